import { existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startProcess } from '../../../src/cli/demo/processes.ts'
import type { SystemProcess } from '../../../src/cli/demo/processes.ts'
import type { Clock } from '../../../src/core/clock.ts'
import type { CrashPointName } from '../../../src/core/crash-points.ts'

/** How a process is started, each time. */
export interface ProcessPlan {
  readonly name: string
  readonly args: readonly string[]
  readonly environment: Readonly<Record<string, string>>
}

/** One end of a process. */
export interface Death {
  readonly name: string
  readonly atMs: number
  readonly signal: NodeJS.Signals | null
  readonly exitCode: number | null
  /** The crash point at which it killed itself, by its own log. */
  readonly place: CrashPointName | undefined
  /** Whether somebody wanted it: a kill, a stop, an armed place. */
  readonly isWanted: boolean
}

/** One process that is started again whenever it ends. */
export interface Supervised {
  readonly name: string
  readonly pid: number | undefined
  readonly logFile: string
  readonly deaths: readonly Death[]
  readonly isHalted: boolean
  /** Dies at the place as soon as it has passed it `pass` times (default 1) from now on. */
  arm(place: CrashPointName, pass?: number): void
  /** Whatever was armed and not reached is so no more. */
  disarm(): void
  /** How often its log has this text since its last start. */
  said(text: string): number
  /** Resolves at its next end; it may run again by then. */
  nextDeath(): Promise<Death>
  /** Sends a signal; resolves when it has ended. It is started again. */
  kill(signal?: NodeJS.Signals): Promise<Death | undefined>
  /** Stops it, in good order unless told otherwise, and leaves it stopped. */
  halt(signal?: NodeJS.Signals): Promise<void>
  /** Starts it, if it is halted. */
  start(): void
}

/** Logs beyond this are put aside, one of them kept, at the next start. */
const longestLogBytes = 8_000_000
/** Between the end of a process that had hardly begun, and its next start. */
const pauseMs = 500

const textFrom = (file: string, offset: number): string =>
  existsSync(file) ? readFileSync(file).subarray(offset).toString('utf8') : ''

const sizeOf = (file: string): number => (existsSync(file) ? statSync(file).size : 0)

/** The place that a process named last in what it wrote from `offset` on. */
const placeIn = (logFile: string, offset: number): CrashPointName | undefined => {
  const last = textFrom(logFile, offset)
    .split('\n')
    .findLast(line => line.includes('"crashPoint"'))
  return last === undefined ? undefined : (JSON.parse(last) as { crashPoint: CrashPointName }).crashPoint
}

const running = new Set<SystemProcess>()
// They have process groups of their own, and would outlive a test that is ended.
process.once('exit', () => {
  for (const { pid } of running) process.kill(pid, 'SIGKILL')
})

/** Where its files go. */
export interface SupervisorOptions {
  readonly logFolder: string
  readonly clock: Clock
  /** Not before `start` is called. Default false. */
  readonly isHalted?: boolean
}

/**
 * Starts a process and keeps it running.
 *
 * @example const relay = supervise({ name: 'relay', args: ['relay'], environment }, { logFolder, clock: systemClock })
 */
export const supervise = (
  plan: ProcessPlan,
  { logFolder, clock, ...options }: SupervisorOptions,
): Supervised => {
  const { name } = plan
  const logFile = join(logFolder, `${name}.log`)
  const crashFile = join(logFolder, `${name}.crash`)
  const deaths: Death[] = []
  let current: SystemProcess | undefined
  let isHalted = options.isHalted ?? false
  let isKilled = false
  let startedFrom = 0
  let next = Promise.withResolvers<Death>()

  const start = (): void => {
    if (sizeOf(logFile) > longestLogBytes) renameSync(logFile, `${logFile}.1`)
    const offset = sizeOf(logFile)
    startedFrom = offset
    const startedAt = clock.now()
    isKilled = false
    const started = startProcess(name, plan.args, {
      logFolder,
      environment: { ...plan.environment, SLUICE_CRASH_FILE: crashFile },
    })
    current = started
    running.add(started)
    void started.whenEnded.then(async () => {
      running.delete(started)
      const place = placeIn(logFile, offset)
      const death: Death = {
        name,
        atMs: clock.now(),
        signal: started.ended()?.signal ?? null,
        exitCode: started.ended()?.exitCode ?? null,
        place,
        isWanted: place !== undefined || isKilled || isHalted,
      }
      deaths.push(death)
      current = undefined
      if (!death.isWanted && death.atMs - startedAt < 2 * pauseMs) await clock.sleep(pauseMs)
      if (!isHalted && current === undefined) start()
      const waiting = next
      next = Promise.withResolvers<Death>()
      waiting.resolve(death)
    })
  }
  const end = async (signal: NodeJS.Signals): Promise<Death | undefined> => {
    if (current === undefined) return undefined
    const death = next.promise
    isKilled = true
    await current.stop(signal)
    return death
  }
  if (!isHalted) start()
  return {
    name,
    get pid() {
      return current?.pid
    },
    logFile,
    deaths,
    get isHalted() {
      return isHalted
    },
    arm: (place, pass = 1) => {
      // Written aside first: a process looks at every pass, and must not see half of it.
      writeFileSync(`${crashFile}.new`, `${place}:${pass}`)
      renameSync(`${crashFile}.new`, crashFile)
    },
    disarm: () => rmSync(crashFile, { force: true }),
    said: text => textFrom(logFile, startedFrom).split(text).length - 1,
    nextDeath: () => next.promise,
    kill: (signal = 'SIGKILL') => end(signal),
    halt: async (signal = 'SIGTERM') => {
      isHalted = true
      await end(signal)
    },
    start: () => {
      if (!isHalted) return
      isHalted = false
      if (current === undefined) start()
    },
  }
}
