import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { lagOf, totalLag } from '../../../src/cli/lag.ts'
import { connectKafka } from '../../../src/kafka/platformatic.ts'
import { materializer } from '../../../topology/materializer.ts'
import type { ServerControl } from '../servers/server-control.ts'
import { memoryOf, reportingMemory } from '../soak/memory-of.ts'
import { countInLog } from '../support/count-in-log.ts'
import type { ChaosReport } from '../support/report.ts'
import { openStage } from '../support/stage.ts'
import type { ProcessName } from '../support/system.ts'

export interface RunMemoryOptions {
  readonly servers: ServerControl
  readonly seed: number
  readonly run: string
  readonly durationMs: number
  readonly onProgress?: (line: string) => void
}

const leak = resolve(import.meta.dirname, 'leak-memory.ts')
const leaking: readonly ProcessName[] = ['serve', 'relay', 'worker-a', 'worker-b']
/** A process that leaks 2 MB a second reaches it within half a minute. */
const leakingLimitMb = 96

export interface ExhaustionOutcome extends ChaosReport {
  /** How often each process died of its heap's limit. */
  readonly deaths: Readonly<Record<string, number>>
}

/** All processes run out of memory again and again, wherever they are then, and are started again. */
export const runExhaustion = async (options: RunMemoryOptions): Promise<ExhaustionOutcome> => {
  const { servers, seed, run, durationMs } = options
  const stage = await openStage({
    config: servers.config,
    seed,
    run,
    clients: 4,
    tuning: name =>
      leaking.includes(name)
        ? { environment: { NODE_OPTIONS: `--import=${leak} --max-old-space-size=${leakingLimitMb}` } }
        : {},
  })
  try {
    await stage.clock.sleep(durationMs)
    await stage.judge()
    const deaths: Record<string, number> = {}
    // V8 ends a process whose heap is full by SIGABRT.
    for (const { name, signal } of stage.system.deaths())
      if (signal === 'SIGABRT') {
        deaths[name] = (deaths[name] ?? 0) + 1
        stage.book.inject('out of memory', name)
      }
    for (const name of leaking)
      if (deaths[name] === undefined) stage.book.fail(`${name} never ran out of memory`)
    return { ...stage.report(), deaths }
  } finally {
    await stage.close()
  }
}

export interface SlowConsumerOutcome extends ChaosReport {
  readonly ended: readonly string[]
  /** Of the workers, while Cassandra was slow. */
  readonly largestRssMb: number
  readonly largestHeapMb: number
  /** Records that the materializer was behind at the end of that time. */
  readonly lag: number
  /** How often a worker was dropped by its group: it had stopped to send heartbeats. */
  readonly membershipsLost: number
}

const workers: readonly ProcessName[] = ['worker-a', 'worker-b']
const reasonableLimitMb = 192
/** Some hundred times what a write takes on an idle machine. */
const slowWriteMs = 300

/** Workers with a reasonable limit, whose writes to Cassandra take a hundred times as long as usual. */
export const runSlowConsumer = async (options: RunMemoryOptions): Promise<SlowConsumerOutcome> => {
  const { servers, seed, run, durationMs, onProgress = () => {} } = options
  const folder = await mkdtemp(join(tmpdir(), 'sluice-memory-'))
  const stage = await openStage({
    config: servers.config,
    seed,
    run,
    clients: 16,
    thinkMs: 20,
    proxied: workers,
    tuning: name => (workers.includes(name) ? reportingMemory(folder, name, reasonableLimitMb) : {}),
  })
  const { clock, system } = stage
  const kafka = connectKafka({ brokers: servers.config.kafkaBrokers, clientId: 'memory' })
  try {
    for (const name of workers) {
      const fault = { kind: 'delay', side: 'reply', delayMs: slowWriteMs } as const
      system.proxiesOf(name).cassandra.inject({ fault, times: Infinity })
    }
    stage.book.inject(`replies ${slowWriteMs} ms late`, 'cassandra')
    await clock.sleep(durationMs)
    const lag = totalLag(await lagOf(kafka.admin(), materializer))
    const lines = workers.flatMap(name => memoryOf(folder, name))
    const largest = (what: string): number => Math.round(Math.max(0, ...lines.map(line => line[what] ?? 0)))
    const lost = workers.map(name => countInLog(system.process(name).logFile, 'membership lost'))
    onProgress(`after ${durationMs / 1_000} s the materializer is ${lag} records behind`)
    const ended = system
      .deaths()
      .map(({ name, exitCode, signal }) => `${name} ended with ${exitCode ?? signal}`)
    for (const name of workers) system.proxiesOf(name).clear()
    await stage.judge()
    return {
      ...stage.report(),
      ended,
      largestRssMb: largest('RSS MB'),
      largestHeapMb: largest('heap MB'),
      lag,
      membershipsLost: lost.reduce((sum, times) => sum + times, 0),
    }
  } finally {
    await kafka.close()
    await stage.close()
  }
}
