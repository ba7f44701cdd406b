import { linkSync, mkdirSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'

import type { Clock } from '../core/clock.ts'
import { rememberProcess, runningPid } from './processes.ts'

export interface LockOptions {
  readonly clock: Clock
  readonly signal?: AbortSignal | undefined
  /** Called once, when another process holds the lock. */
  readonly onWait?: (pid: number) => void
}

/**
 * Runs `action` while no other process of this machine holds the lock; a lock whose holder died is taken over.
 *
 * @example await withLock('/cache/fetch.lock', options, () => fetchArtifacts(…))
 */
export const withLock = async <T>(
  file: string,
  options: LockOptions,
  action: () => Promise<T>,
): Promise<T> => {
  mkdirSync(dirname(file), { recursive: true })
  // Written whole under a name of its own, then linked: nobody ever reads a half-written lock.
  const own = `${file}.${process.pid}`
  rememberProcess(own, process.pid)
  try {
    let waited = false
    while (!tryLink(own, file)) {
      options.signal?.throwIfAborted()
      const holder = runningPid(file)
      if (holder === undefined) {
        rmSync(file, { force: true })
        continue
      }
      if (!waited) options.onWait?.(holder)
      waited = true
      await options.clock.sleep(200, options.signal)
    }
  } finally {
    rmSync(own, { force: true })
  }
  try {
    return await action()
  } finally {
    rmSync(file, { force: true })
  }
}

const tryLink = (from: string, to: string): boolean => {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}
