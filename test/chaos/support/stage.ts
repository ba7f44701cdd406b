import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { migrateServers } from '../../../src/cli/migrate.ts'
import { systemClock } from '../../../src/core/clock.ts'
import type { Clock } from '../../../src/core/clock.ts'
import { startLoad } from './load.ts'
import type { Load, LoadOptions } from './load.ts'
import { createReportBook } from './report.ts'
import type { ChaosReport, ReportBook } from './report.ts'
import { shopOf } from './requests.ts'
import { startChaosSystem } from './system.ts'
import type { ChaosSystem, ChaosSystemOptions, SystemConfig } from './system.ts'
import { passVerdict } from './verdict.ts'
import type { Verdict } from './verdict.ts'

/** A system under load, and the book in which is written what is done to it. */
export interface Stage {
  readonly config: SystemConfig
  readonly clock: Clock
  readonly seed: number
  readonly system: ChaosSystem
  readonly load: Load
  readonly book: ReportBook
  /** Brings all to rest, compares, and goes on; the book has it. */
  judge(): Promise<Verdict>
  report(): ChaosReport
  close(): Promise<void>
}

/**
 * Starts system and load on servers that run.
 *
 * @param run Names keys and SKUs; unlike that of any other run on these servers.
 * @example const stage = await openStage({ config, seed: 1, run: 'a1' })
 */
export const openStage = async (
  options: Pick<ChaosSystemOptions, 'config' | 'proxied' | 'tuning'> &
    Pick<LoadOptions, 'seed' | 'clients' | 'thinkMs'> & {
      readonly run: string
      readonly logFolder?: string
    },
): Promise<Stage> => {
  const { config, seed, run } = options
  const clock = systemClock
  const startedAt = clock.now()
  await migrateServers(config, 1)
  const logFolder = options.logFolder ?? (await mkdtemp(join(tmpdir(), 'sluice-chaos-')))
  const book = createReportBook(seed)
  const system = await startChaosSystem({ ...options, clock, logFolder })
  try {
    await system.ready()
    const load = await startLoad({ ...options, clock, apiUrl: system.apiUrl, shop: shopOf(run) })
    return {
      config,
      clock,
      seed,
      system,
      load,
      book,
      judge: async () => {
        const verdict = await passVerdict({ config, apiUrl: system.apiUrl, load, clock })
        book.judge(verdict)
        load.resume()
        return verdict
      },
      report: () => book.report(load.record, clock.now() - startedAt, system),
      close: async () => {
        await load.stop()
        await system.stop()
      },
    }
  } catch (error) {
    await system.stop()
    throw error
  }
}
