import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished, vi } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { launch, runningPid, startTimeByPs, stopProcess } from '../../src/stack/processes.ts'
import { temporaryFolder } from './support/folder.ts'

// Every test starts real processes, which takes its time on a busy machine.
vi.setConfig({ testTimeout: 60_000 })

const start = async (script: string): Promise<{ pid: number; pidFile: string; logFile: string }> => {
  const folder = temporaryFolder()
  const [pidFile, logFile] = [join(folder, 'it.pid'), join(folder, 'logs', 'it.log')]
  const command = { program: process.execPath, arguments: ['-e', script], workingFolder: folder }
  const pid = await launch(command, logFile, pidFile)
  onTestFinished(() => void stopProcess(pidFile, { signal: 'SIGKILL', patienceMs: 0 }, systemClock))
  return { pid, pidFile, logFile }
}

const forEver = 'setInterval(() => {}, 1000)'

it('starts a process, keeps its output, and stops it', async () => {
  const { pid, pidFile, logFile } = await start(`console.log('out'); console.error('err'); ${forEver}`)
  expect(runningPid(pidFile)).toBe(pid)
  await vi.waitFor(() => expect(readFileSync(logFile, 'utf8')).toBe('out\nerr\n'), { timeout: 20_000 })
  expect(await stopProcess(pidFile, { signal: 'SIGTERM', patienceMs: 10_000 }, systemClock)).toBe(true)
  expect(runningPid(pidFile)).toBeUndefined()
  expect(await stopProcess(pidFile, { signal: 'SIGTERM', patienceMs: 10_000 }, systemClock)).toBe(false)
})

it('kills a process that does not listen', async () => {
  const { pidFile, logFile } = await start(`process.on('SIGTERM', () => {}); console.log('deaf'); ${forEver}`)
  await vi.waitFor(() => expect(readFileSync(logFile, 'utf8')).toContain('deaf'), { timeout: 20_000 })
  expect(await stopProcess(pidFile, { signal: 'SIGTERM', patienceMs: 100 }, systemClock)).toBe(true)
  expect(runningPid(pidFile)).toBeUndefined()
})

it('does not take a later process with the same pid for the one it started', async () => {
  const { pid, pidFile } = await start(forEver)
  const remembered = readFileSync(pidFile, 'utf8')
  writeFileSync(pidFile, JSON.stringify({ pid, startTime: '1' }))
  expect(runningPid(pidFile)).toBeUndefined()
  expect(await stopProcess(pidFile, { signal: 'SIGKILL', patienceMs: 0 }, systemClock)).toBe(false)
  writeFileSync(pidFile, remembered)
  expect(runningPid(pidFile)).toBe(pid)
})

it('hands on none of its own settings', async () => {
  vi.stubEnv('SLUICE_TEST_SECRET', 'x')
  onTestFinished(() => void vi.unstubAllEnvs())
  const { logFile } = await start(`console.log(Object.keys(process.env).sort().join()); ${forEver}`)
  await vi.waitFor(() => expect(readFileSync(logFile, 'utf8')).toContain('PATH'), { timeout: 20_000 })
  expect(readFileSync(logFile, 'utf8')).not.toContain('SLUICE')
})

it('reads start times without /proc too', () => {
  expect(startTimeByPs(process.pid)).toMatch(/\d\d:\d\d:\d\d/)
  expect(startTimeByPs(process.pid)).toBe(startTimeByPs(process.pid))
})
