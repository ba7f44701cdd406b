import { rmSync } from 'node:fs'

import type { Clock } from '../core/clock.ts'
import { withLock, type LockOptions } from './file-lock.ts'
import type { StackLayout } from './layout.ts'
import { stopProcess } from './processes.ts'
import { stackServers } from './servers/index.ts'
import type { StackServer } from './servers/server.ts'
import type { ServerName } from './types.ts'

/** Stops servers side by side, each in its own way; returns the names of those that were running. */
export const stopServers = async (
  layout: StackLayout,
  clock: Clock,
  servers: readonly StackServer[] = stackServers,
): Promise<readonly ServerName[]> => {
  const stopped = await Promise.all(
    servers.map(async ({ name, stop }) =>
      (await stopProcess(layout.pidFileOf(name), stop, clock)) ? [name] : [],
    ),
  )
  return stopped.flat()
}

export interface DownOptions extends LockOptions {
  readonly deleteAll?: boolean
  /** Default all of `stackServers`. */
  readonly servers?: readonly StackServer[]
}

/**
 * Stops a stack; its data and ports are kept for the next `up` unless `deleteAll`.
 * Returns the servers that were running.
 */
export const stackDown = async (layout: StackLayout, options: DownOptions): Promise<readonly ServerName[]> =>
  withLock(layout.lockFile, options, async () => {
    const stopped = await stopServers(layout, options.clock, options.servers)
    if (options.deleteAll === true) {
      for (const folder of [layout.home, layout.postgresHome])
        rmSync(folder, { recursive: true, force: true })
    }
    return stopped
  })
