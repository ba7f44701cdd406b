import { AvroCodecs } from '../codec/avro-codecs.ts'
import { systemClock } from '../core/clock.ts'
import type { CrashPoints } from '../core/crash-points.ts'
import type { Logger } from '../core/log.ts'
import type { Topology } from '../streams/dsl/index.ts'
import type { EffectHandlers } from '../streams/runtime/effects.ts'
import { StreamWorker, type WorkerStatus } from '../streams/runtime/worker.ts'
import type { Config } from './config.ts'
import { openKafka, openRegistry, type ServerConfig } from './adapters.ts'

export interface RunWorkersOptions {
  readonly topologies: readonly Topology[]
  readonly config: Pick<ServerConfig, 'kafkaBrokers' | 'registryUrl'> &
    Partial<Pick<Config, 'sessionTimeoutMs'>>
  /** Stable over restarts, unlike any other worker's. */
  readonly instanceId: string
  readonly effects: EffectHandlers
  readonly log: Logger
  /** Stops gracefully when aborted. */
  readonly signal: AbortSignal
  readonly crash?: CrashPoints | undefined
  /** Gets a view of all workers once they exist. */
  readonly onStarted?: (status: () => readonly WorkerStatus[]) => void
}

/**
 * Runs one worker for each topology in this process until the signal aborts. When one fails, the others stop gracefully and the
 * first failure is thrown.
 *
 * @example await runWorkers({ topologies: [orders], config, instanceId: 'worker-1', effects: {}, log, signal })
 */
export const runWorkers = async (options: RunWorkersOptions): Promise<void> => {
  const { topologies, config, instanceId, effects, log, signal, crash } = options
  const kafka = openKafka(config, `sluice-${instanceId}`, crash)
  const codecs = new AvroCodecs(openRegistry(config))
  const failed = new AbortController()
  const stop = AbortSignal.any([signal, failed.signal])
  const workers = topologies.map(
    topology =>
      new StreamWorker({
        topology,
        kafka,
        codecs,
        effects,
        clock: systemClock,
        log,
        instanceId,
        crash,
        sessionTimeoutMs: config.sessionTimeoutMs,
      }),
  )
  options.onStarted?.(() => workers.map(worker => worker.status()))
  try {
    await Promise.all(
      workers.map(worker =>
        worker.run(stop).catch((error: unknown) => {
          failed.abort(error)
          throw error
        }),
      ),
    )
  } finally {
    // The others are still committing what they have open.
    failed.abort()
    while (workers.some(worker => worker.status().state !== 'stopped')) await systemClock.sleep(10)
    await kafka.close()
  }
}
