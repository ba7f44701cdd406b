import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { assertRunning, toSystemProcess, whileAlive } from '../../src/cli/demo/processes.ts'
import type { SystemProcess } from '../../src/cli/demo/processes.ts'
import { systemClock } from '../../src/core/clock.ts'

// Every test starts a real process, which takes its time on a busy machine.
vi.setConfig({ testTimeout: 60_000 })

const logFileWith = (text: string): string => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-demo-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const logFile = join(folder, 'it.log')
  writeFileSync(logFile, text)
  return logFile
}

const start = async (script: string, killAfterMs?: number): Promise<SystemProcess> => {
  const child = spawn(process.execPath, ['-e', `${script}; console.log('ready')`], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const started = toSystemProcess('serve', logFileWith('it broke\n'), child, killAfterMs)
  await once(child.stdout, 'data')
  return started
}

const forEver = 'setInterval(() => {}, 1000)'

test('a process that stops when asked is not killed', async () => {
  const process = await start(forEver)
  await process.stop()
  expect(process.ended()).toEqual({ exitCode: null, signal: 'SIGTERM' })
})

test('one that does not is killed', async () => {
  const process = await start(`process.on('SIGTERM', () => {}); ${forEver}`, 50)
  await process.stop()
  expect(process.ended()).toEqual({ exitCode: null, signal: 'SIGKILL' })
})

test('work that waits for a dead process ends, with what the process said last', async () => {
  const process = await start('setTimeout(() => {}, 1)')
  let over: AbortSignal | undefined
  const work = whileAlive(
    () => assertRunning([process]),
    systemClock,
    signal => {
      over = signal
      return new Promise(() => {})
    },
  )
  await expect(work).rejects.toMatchObject({
    code: 'SLUICE_SYSTEM_PROCESS_ENDED',
    message: expect.stringContaining('it broke') as string,
  })
  expect(over?.aborted).toBe(true)
})

test('work that ends gives its result', async () => {
  const work = whileAlive(
    () => {},
    systemClock,
    () => Promise.resolve('done'),
  )
  expect(await work).toBe('done')
})
