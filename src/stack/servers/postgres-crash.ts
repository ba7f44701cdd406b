import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import type { Clock } from '../../core/clock.ts'

const patienceMs = 10_000
const pollIntervalMs = 50

/**
 * Whether a table of /proc/sysvipc/shm shows processes attached to a shared memory segment.
 * Its columns: key, id, permissions, size, creator, last user, number attached, …
 */
export const isAttached = (table: string, segmentId: string): boolean =>
  table
    .split('\n')
    .map(line => line.trim().split(/\s+/))
    .some(columns => columns[1] === segmentId && Number(columns[6]) > 0)

/**
 * Makes a data folder whose Postgres was killed ready for the next one: waits until the killed server's orphans
 * are gone, and corrects the pid in `postmaster.pid`. The killed server may linger as a zombie that nobody reaps, for
 * which Postgres would refuse to start; it accepts the pid of its own parent, which this process is about to be.
 *
 * Call only when no server runs on the folder.
 */
export const settleCrash = async (dataFolder: string, clock: Clock, signal?: AbortSignal): Promise<void> => {
  const file = join(dataFolder, 'postmaster.pid')
  if (!existsSync(file)) return
  const lines = readFileSync(file, 'utf8').split('\n')
  const segmentId = lines[6]?.trim().split(/\s+/)[1]
  const segments = '/proc/sysvipc/shm'
  const deadline = clock.now() + patienceMs
  const hasOrphans = (): boolean =>
    segmentId !== undefined && existsSync(segments) && isAttached(readFileSync(segments, 'utf8'), segmentId)
  while (hasOrphans() && clock.now() < deadline) await clock.sleep(pollIntervalMs, signal)
  // The rest stays: by it Postgres itself sees whether orphans still use its shared memory.
  writeFileSync(file, [process.pid, ...lines.slice(1)].join('\n'))
}
