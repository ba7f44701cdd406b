import { countInLog } from '../support/count-in-log.ts'
import { openStage } from '../support/stage.ts'
import type { ChaosReport } from '../support/report.ts'
import { startProbe } from '../servers/probe.ts'
import type { ServerControl } from '../servers/server-control.ts'
import { mountSmallDisk } from './small-disk.ts'

/** Servers that keep data; the registry's is small and rarely written. */
export const serversWithDisks = ['kafka', 'cassandra', 'postgres'] as const
export type ServerWithDisk = (typeof serversWithDisks)[number]

export interface RunDiskOptions {
  readonly servers: ServerControl
  readonly server: ServerWithDisk
  readonly seed: number
  readonly run: string
  /** How long the disk stays full once the server has noticed. */
  readonly fullMs: number
  readonly onProgress?: (line: string) => void
}

export interface DiskOutcome extends ChaosReport {
  readonly statuses: Readonly<Record<string, number>>
  /** Whether the server ended by itself while its disk was full. */
  readonly serverEnded: boolean
}

/** Requests that the order service could not serve. */
const refusalsOf = (statuses: Readonly<Record<string, number>>): number =>
  Object.entries(statuses).reduce((sum, [name, count]) => sum + (name.endsWith(' 503') ? count : 0), 0)

/** How often a server has complained of its disk, in its own words. */
const complaintsOf = (logFile: string): number => countInLog(logFile, 'No space left on device')

// Enough for the servers' segments, which they take in one piece: 16 MiB each.
const spareBytes = 120_000_000
const patienceMs = 180_000

/**
 * Fills the disk of one server under load, makes room again, starts the server again (full disks leave servers that only look alive), and
 * compares.
 */
export const runDisk = async (options: RunDiskOptions): Promise<DiskOutcome> => {
  const { servers, server, seed, run, fullMs, onProgress = () => {} } = options
  const logFile = servers.layout.logFileOf(server)
  await servers.crash(server)
  const disk = mountSmallDisk(servers.layout.dataOf(server), spareBytes)
  try {
    await servers.start(server)
    const stage = await openStage({ config: servers.config, seed, run, clients: 4 })
    const { clock, book, load, system } = stage
    const probe = startProbe({ apiUrl: system.apiUrl, sku: load.shop.plenty[0] ?? '', run, clock })
    try {
      if ((await probe.pulse(patienceMs)) === undefined)
        throw new Error(`no order was confirmed; logs: ${system.logFolder}`)
      const complaintsBefore = complaintsOf(logFile)
      const refusalsBefore = refusalsOf(probe.statuses)
      book.inject('disk full', server)
      disk.fill()
      onProgress(`the disk of ${server} is full`)
      // Cassandra says nothing: its writes wait for a segment.
      const hasNoticed = (): boolean =>
        !servers.isRunning(server) ||
        complaintsOf(logFile) > complaintsBefore ||
        refusalsOf(probe.statuses) > refusalsBefore
      const noticedBy = clock.now() + patienceMs
      // A segment that was taken before may have room for a minute.
      while (!hasNoticed() && clock.now() < noticedBy) await clock.sleep(500)
      if (!hasNoticed()) book.fail(`${server} did not notice that its disk was full; its log: ${logFile}`)
      await clock.sleep(fullMs)
      const serverEnded = !servers.isRunning(server)
      disk.free()
      onProgress(`there is room again; ${server} ${serverEnded ? 'has ended' : 'still runs'}`)
      if (!serverEnded) await servers.crash(server)
      await servers.start(server)
      const tookMs = await probe.pulse(patienceMs)
      if (tookMs === undefined) book.fail(`no order was confirmed in time; logs: ${system.logFolder}`)
      else book.recover('disk full', tookMs)
      await probe.stop()
      await stage.judge()
      for (const violation of probe.violations) book.fail(violation)
      return { ...stage.report(), statuses: probe.statuses, serverEnded }
    } finally {
      await probe.stop()
      await stage.close()
    }
  } finally {
    if (servers.isRunning(server)) await servers.crash(server)
    disk.close()
    await servers.start(server)
  }
}
