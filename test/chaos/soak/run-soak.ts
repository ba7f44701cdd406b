import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRandom } from '../../../src/core/random.ts'
import type { ServerControl } from '../servers/server-control.ts'
import type { ChaosReport } from '../support/report.ts'
import { openStage } from '../support/stage.ts'
import { processNames } from '../support/system.ts'
import { reportingMemory } from './memory-of.ts'
import { annoyOnce, proxiedProcesses } from './nuisance.ts'
import { startSampler, type Series } from './sampler.ts'

export interface SoakOptions {
  readonly servers: ServerControl
  readonly seed: number
  readonly run: string
  readonly durationMs: number
  readonly clients: number
  /** Ends it before its time. */
  readonly signal?: AbortSignal
  readonly onProgress?: (line: string) => void
}

export interface SoakOutcome {
  readonly report: ChaosReport
  readonly series: Series
  /** Processes that ended, in words; a soak kills none. */
  readonly ended: readonly string[]
  readonly missedLooks: number
}

const sampleIntervalMs = 5_000
const betweenFaultsMs = 3_000
const progressIntervalMs = 60_000
const judgeIntervalMs = 300_000

/** Load with faults that pass by themselves; what is used is sampled, and judged by `growthOf`. */
export const runSoak = async (options: SoakOptions): Promise<SoakOutcome> => {
  const { servers, seed, run, durationMs, clients, signal, onProgress = () => {} } = options
  const memoryFolder = await mkdtemp(join(tmpdir(), 'sluice-soak-'))
  const stage = await openStage({
    config: servers.config,
    seed,
    run,
    clients,
    proxied: proxiedProcesses,
    tuning: name => reportingMemory(memoryFolder, name),
  })
  const { clock, system, load } = stage
  const sampler = startSampler({
    config: servers.config,
    memoryFolder,
    processes: processNames.filter(name => !system.process(name).isHalted),
    intervalMs: sampleIntervalMs,
    clock,
  })
  const random = createRandom(seed)
  try {
    const startedAt = clock.now()
    const isOver = (): boolean => signal?.aborted === true || clock.now() - startedAt >= durationMs
    let judgedAt = startedAt
    for (let saidAt = startedAt; !isOver();) {
      await annoyOnce(random, stage, servers)
      await clock.sleep(random() * betweenFaultsMs)
      if (clock.now() - judgedAt > judgeIntervalMs) {
        await stage.judge()
        judgedAt = clock.now()
      }
      if (clock.now() - saidAt < progressIntervalMs) continue
      saidAt = clock.now()
      onProgress(
        `${Math.round((saidAt - startedAt) / 60_000)} min: ${load.record.answered} requests answered`,
      )
    }
    const ended = system
      .deaths()
      .map(({ name, exitCode, signal }) => `${name} ended with ${exitCode ?? signal}`)
    await sampler.stop()
    await stage.judge()
    return { report: stage.report(), series: sampler.series, ended, missedLooks: sampler.missed() }
  } finally {
    await sampler.stop()
    await stage.close()
  }
}
