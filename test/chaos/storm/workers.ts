import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { toSystemProcess, type SystemProcess } from '../../../src/cli/demo/processes.ts'
import type { BookWorkerSettings } from './book-worker.ts'

const main = resolve(import.meta.dirname, 'book-worker.ts')

/** How to start workers of one book. */
export interface WorkerLaunch extends Omit<BookWorkerSettings, 'instanceId' | 'crashSignal'> {
  readonly logFolder: string
}

/** At which crash point, by which signal: `SLUICE_CRASH_FILE` and the like. */
export interface WorkerCrash {
  readonly signal: 'SIGKILL' | 'SIGSTOP'
  readonly environment: Readonly<Record<string, string>>
}

/** A worker process that can be asked what it has said. */
export interface BookWorker extends SystemProcess {
  /** Whether it has said this. */
  said(what: string): boolean
  /** Whether it has been given its first tasks. */
  hasJoined(): boolean
  signal(signal: NodeJS.Signals): void
}

/** Starts a worker process; `incarnation` names its log. */
export const startWorker = (
  { logFolder, ...settings }: WorkerLaunch,
  instanceId: string,
  incarnation: string,
  crash: WorkerCrash = { signal: 'SIGKILL', environment: {} },
): BookWorker => {
  mkdirSync(logFolder, { recursive: true })
  const logFile = join(logFolder, `${incarnation}.log`)
  const log = openSync(logFile, 'a')
  const started: BookWorkerSettings = { ...settings, instanceId, crashSignal: crash.signal }
  const child = spawn(process.execPath, [main, JSON.stringify(started)], {
    stdio: ['ignore', log, log],
    // Most of what a start costs is loading the sources.
    env: { ...process.env, NODE_COMPILE_CACHE: join(logFolder, 'compiled'), ...crash.environment },
  })
  closeSync(log)
  const said = (what: string): boolean => readFileSync(logFile, 'utf8').includes(what)
  return {
    ...toSystemProcess(incarnation, logFile, child),
    said,
    hasJoined: () => said('"tasks assigned"'),
    signal: signal => void child.kill(signal),
  }
}
