import { execFileSync, spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

import type { Clock } from '../core/clock.ts'
import { SluiceError } from '../core/errors.ts'

/** How to start a server that outlives the command that started it. */
export interface Launch {
  readonly program: string
  readonly arguments: readonly string[]
  readonly workingFolder: string
  /** Run as this user instead of the caller; only root may. */
  readonly user?: { readonly uid: number; readonly gid: number } | undefined
}

/** What servers inherit: they outlive this command, and must depend on no other setting of its surroundings. */
const inherited = ['HOME', 'JAVA_TOOL_OPTIONS', 'LANG', 'LC_ALL', 'PATH', 'TMPDIR']

const serverEnvironment = (environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(environment).filter(([name]) => inherited.includes(name)))

/** A process as remembered in a pid file: the start time tells it from a later one with the same pid. */
interface RememberedProcess {
  readonly pid: number
  readonly startTime: string
}

/**
 * The start time in `/proc/PID/stat`; undefined for a zombie. A killed process is one only when its last thread has ended: the first may
 * be long gone while others still hold its memory and its ports.
 */
export const startTimeInStat = (stat: string): string | undefined => {
  // The second field, the program's name, may itself hold blanks and brackets.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state, threads, startTime] = [fields[0], Number(fields[17]), fields[19]]
  return state === 'X' || (state === 'Z' && threads <= 1) ? undefined : startTime
}

/** When a process began (ticks since boot, or a date); undefined when it is gone or a zombie. */
const startTimeOf = (pid: number): string | undefined => {
  try {
    if (!existsSync('/proc/self/stat')) return startTimeByPs(pid)
    return startTimeInStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return undefined
  }
}

/** For systems without /proc, e.g. macOS. */
export const startTimeByPs = (pid: number): string | undefined => {
  const columns = ['-o', 'state=', '-o', 'lstart=', '-p', `${pid}`]
  const line = execFileSync('ps', columns, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  return line.startsWith('Z') ? undefined : line.replace(/^\S+\s+/, '')
}

/** The pid remembered in a pid file while that very process lives, else undefined. */
export const runningPid = (pidFile: string): number | undefined => {
  try {
    const remembered = JSON.parse(readFileSync(pidFile, 'utf8')) as RememberedProcess
    return startTimeOf(remembered.pid) === remembered.startTime ? remembered.pid : undefined
  } catch {
    return undefined
  }
}

/** Writes this or another process into a pid file. */
export const rememberProcess = (pidFile: string, pid: number): void => {
  writeFileSync(pidFile, JSON.stringify({ pid, startTime: startTimeOf(pid) ?? '' }))
}

/** Starts a detached process whose output goes to the end of `logFile`; returns its pid. */
export const launch = async (command: Launch, logFile: string, pidFile: string): Promise<number> => {
  mkdirSync(dirname(logFile), { recursive: true })
  const log = openSync(logFile, 'a')
  try {
    const child = spawn(command.program, command.arguments, {
      cwd: command.workingFolder,
      env: serverEnvironment(process.env),
      detached: true,
      stdio: ['ignore', log, log],
      ...(command.user === undefined ? {} : { uid: command.user.uid, gid: command.user.gid }),
    })
    const pid = await new Promise<number>((resolve, reject) => {
      child.once('error', reject)
      child.once('spawn', () => resolve(child.pid ?? 0))
    })
    child.unref()
    rememberProcess(pidFile, pid)
    return pid
  } finally {
    closeSync(log)
  }
}

/** How a server is asked to stop, and how long it may take before it is killed. */
export interface StopOptions {
  readonly signal: NodeJS.Signals
  readonly patienceMs: number
}

/** Stops the process of a pid file and forgets it; returns whether one was running. */
export const stopProcess = async (pidFile: string, options: StopOptions, clock: Clock): Promise<boolean> => {
  const pid = runningPid(pidFile)
  if (pid !== undefined) {
    const deadline = clock.now() + options.patienceMs
    signalProcess(pid, options.signal)
    while (runningPid(pidFile) !== undefined) {
      if (clock.now() > deadline) signalProcess(pid, 'SIGKILL')
      await clock.sleep(50)
    }
  }
  rmSync(pidFile, { force: true })
  return pid !== undefined
}

const signalProcess = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return
    throw new SluiceError({
      code: 'SLUICE_STACK_SIGNAL',
      message: `process ${pid} cannot be stopped`,
      remedy: 'stop the stack as the user who started it',
      cause: error,
    })
  }
}
