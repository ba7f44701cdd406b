import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { expect, it, onTestFinished, vi } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { choosePorts, isFree } from '../../src/stack/ports.ts'
import { launch, runningPid, startTimeByPs, startTimeInStat, stopProcess } from '../../src/stack/processes.ts'
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

it('takes a killed process for running until it has given its ports back', async () => {
  const { api: port } = await choosePorts('a process that is killed', new Set())
  const { pid, pidFile } = await start(`
    const memory = Buffer.alloc(3e8, 1)
    setInterval(() => memory[0], 1000)
    require('node:net').createServer().listen(${port}, '127.0.0.1')`)
  await expect.poll(() => isFree(port), { timeout: 20_000 }).toBe(false)
  process.kill(pid, 'SIGKILL')
  while (runningPid(pidFile) !== undefined) await setImmediate()
  expect(await isFree(port)).toBe(true)
})

it.each([
  ['runs', 'S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 4 0 777 0', '777'],
  ['is killed, some of its threads still there', 'Z 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 2 0 777 0', '777'],
  ['has ended', 'Z 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 777 0', undefined],
])('reads in /proc that a process %s', (_, fields, startTime) => {
  expect(startTimeInStat(`42 (a name) Z 1) ${fields}`)).toBe(startTime)
})

it('reads start times without /proc too', () => {
  expect(startTimeByPs(process.pid)).toMatch(/\d\d:\d\d:\d\d/)
  expect(startTimeByPs(process.pid)).toBe(startTimeByPs(process.pid))
})
