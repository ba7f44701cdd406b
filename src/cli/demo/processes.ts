import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Clock } from '../../core/clock.ts'
import { SluiceError } from '../../core/errors.ts'

/** One process of the system: this CLI with other arguments. */
export interface SystemProcess {
  readonly name: string
  readonly pid: number
  readonly logFile: string
  /** How it ended; undefined while it runs. */
  readonly ended: () =>
    { readonly exitCode: number | null; readonly signal: NodeJS.Signals | null } | undefined
  /** Resolves when it has ended, however. */
  readonly whenEnded: Promise<void>
  /** Sends a signal and waits until the process has ended; kills it when that takes longer than 20 s. */
  stop(signal?: NodeJS.Signals): Promise<void>
  /** Lets this process end without ending that one. */
  leave(): void
}

/** How to start processes of the system. */
export interface ProcessOptions {
  /** Where each writes what it says, `<name>.log`. */
  readonly logFolder: string
  /** Settings for them, in place of those of this process. */
  readonly environment: Readonly<Record<string, string>>
}

const main = resolve(import.meta.dirname, '../main.ts')
const logTailLines = 15
/** Longer than any of them takes to finish what it has begun. */
const patienceMs = 20_000

/**
 * Starts `sluice <args>` as a process of its own, its output in a log file.
 *
 * @example const relay = startProcess('relay', ['relay'], { logFolder: '.sluice/demo', environment: {} })
 */
export const startProcess = (
  name: string,
  args: readonly string[],
  options: ProcessOptions,
): SystemProcess => {
  mkdirSync(options.logFolder, { recursive: true })
  const logFile = join(options.logFolder, `${name}.log`)
  const log = openSync(logFile, 'a')
  // A group of its own: Ctrl-C in the terminal reaches the parent only, which then stops them in order.
  const child = spawn(process.execPath, [main, ...args], {
    detached: true,
    stdio: ['ignore', log, log],
    env: { ...process.env, ...options.environment },
  })
  closeSync(log)
  return toSystemProcess(name, logFile, child)
}

/** A child process as one of the system; `killAfterMs` is how long a stop may take. */
export const toSystemProcess = (
  name: string,
  logFile: string,
  child: ChildProcess,
  killAfterMs = patienceMs,
): SystemProcess => {
  let end: ReturnType<SystemProcess['ended']>
  const hasEnded = new Promise<void>(done => {
    const onEnd = (exitCode: number | null, signal: NodeJS.Signals | null): void => {
      end ??= { exitCode, signal }
      done()
    }
    child.once('exit', onEnd)
    child.once('error', () => onEnd(null, null))
  })
  return {
    name,
    pid: child.pid ?? -1,
    logFile,
    ended: () => end,
    whenEnded: hasEnded,
    stop: async (signal = 'SIGTERM') => {
      if (end !== undefined) return
      child.kill(signal)
      const killing = setTimeout(() => child.kill('SIGKILL'), killAfterMs)
      await hasEnded
      clearTimeout(killing)
    },
    leave: () => child.unref(),
  }
}

/** Rejects with `SLUICE_SYSTEM_PROCESS_ENDED` and the end of its log when one of them has ended by itself. */
export const assertRunning = (processes: readonly SystemProcess[]): void => {
  for (const { name, logFile, ended } of processes) {
    const end = ended()
    if (end === undefined) continue
    const how = end.signal === null ? `exit code ${end.exitCode}` : `signal ${end.signal}`
    throw new SluiceError({
      code: 'SLUICE_SYSTEM_PROCESS_ENDED',
      message: `${name} ended by itself (${how}); the last it said:\n${tailOf(logFile)}`,
      remedy: `read ${logFile}`,
      details: { name, ...end },
    })
  }
}

/**
 * Does some work while processes are needed for it: rejects as soon as `assertAlive` throws, also while the work only
 * waits for an answer that cannot come. The signal that the work gets then aborts.
 *
 * @example await whileAlive(() => system.assertRunning(), systemClock, signal => sendOrders(shop, orders, { signal }))
 */
export const whileAlive = async <T>(
  assertAlive: () => void,
  clock: Clock,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> => {
  const over = new AbortController()
  const watch = async (): Promise<never> => {
    for (;;) {
      assertAlive()
      await clock.sleep(250, over.signal)
    }
  }
  try {
    return await Promise.race([work(over.signal), watch()])
  } finally {
    over.abort(new Error('the work is over'))
  }
}

const tailOf = (logFile: string): string =>
  readFileSync(logFile, 'utf8')
    .trimEnd()
    .split('\n')
    .slice(-logTailLines)
    .map(line => `    ${line}`)
    .join('\n')

/**
 * Waits until the order service says that it is ready to serve; rejects when one of the processes ends meanwhile, or with
 * `SLUICE_SYSTEM_NOT_READY` after `timeoutMs`.
 */
export const waitUntilReady = async (
  apiUrl: string,
  processes: readonly SystemProcess[],
  clock: Clock,
  timeoutMs = 60_000,
): Promise<void> => {
  const deadline = clock.now() + timeoutMs
  while (!(await isReady(apiUrl))) {
    assertRunning(processes)
    if (clock.now() > deadline) {
      throw new SluiceError({
        code: 'SLUICE_SYSTEM_NOT_READY',
        message: `the order service at ${apiUrl} was not ready after ${timeoutMs / 1_000} s`,
        remedy: `read ${processes.map(({ logFile }) => logFile).join(', ')}`,
        details: { apiUrl },
      })
    }
    await clock.sleep(100)
  }
}

/** Whether an order service answers there, and says that it can work. */
export const isReady = async (apiUrl: string): Promise<boolean> => {
  try {
    const response = await fetch(new URL('/readyz', apiUrl), { signal: AbortSignal.timeout(2_000) })
    await response.arrayBuffer()
    return response.ok
  } catch {
    return false
  }
}
