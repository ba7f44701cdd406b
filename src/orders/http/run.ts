import closeWithGrace from 'close-with-grace'
import { Registry, collectDefaultMetrics } from 'prom-client'
import { createAdjustmentsRepository } from '../adjustments-repository.ts'
import { createIdempotencyKeys } from '../idempotency.ts'
import { createOrderMetrics } from '../metrics.ts'
import { createOrdersRepository } from '../orders-repository.ts'
import { runReaper } from '../reaper.ts'
import type { ReaperOptions } from '../reaper.ts'
import { createOrderService } from './service.ts'
import type { OrderServiceOptions } from './service.ts'

export interface RunOrderServiceOptions extends OrderServiceOptions {
  /** Default 127.0.0.1. */
  readonly host?: string
  /** 0 takes a free one. */
  readonly port: number
  /** `false` leaves the reaper to another process. */
  readonly reaper?: Pick<ReaperOptions, 'graceMs' | 'intervalMs' | 'keyRetentionMs'> | false
  /** Closes the adapters after the service has stopped. */
  readonly onStopped?: () => Promise<void>
  /** Whether SIGTERM and SIGINT stop it, default true. */
  readonly signals?: boolean
  /** A stop that takes longer ends the process, default 10,000 ms. */
  readonly stopWithinMs?: number
}

export interface RunningOrderService {
  /** E.g. `http://127.0.0.1:8080`. */
  readonly url: string
  /** Takes no more requests, ends those under way, closes the adapters. */
  stop(): Promise<void>
}

/**
 * Listens, reaps, and stops gracefully on SIGTERM and SIGINT.
 *
 * Rejects when the port is in use.
 *
 * @example const service = await runOrderService({ port: 8080, postgres, reservations, intents, stockReader, clock, log })
 */
export const runOrderService = async (options: RunOrderServiceOptions): Promise<RunningOrderService> => {
  const { postgres, reservations, intents, clock, log } = options
  const registry = options.registry ?? new Registry()
  const metrics = options.metrics ?? createOrderMetrics(registry)
  collectDefaultMetrics({ register: registry })
  const app = await createOrderService({ ...options, registry, metrics })
  const url = await app
    .listen({ host: options.host ?? '127.0.0.1', port: options.port })
    .catch(async (error: unknown) => {
      await app.close()
      throw error
    })
  log.info({ url }, 'the order service is listening')
  const reaper =
    options.reaper === false
      ? undefined
      : runReaper({
          intents,
          reservations,
          entries: {
            order: createOrdersRepository(postgres),
            adjustment: createAdjustmentsRepository(postgres),
          },
          idempotency: createIdempotencyKeys(postgres, options.config?.keyLeaseMs ?? 30_000),
          clock,
          log,
          metrics,
          crash: options.crash,
          ...options.reaper,
        })
  let stopped: Promise<void> | undefined
  const stop = (): Promise<void> => {
    stopped ??= (async () => {
      log.info({ url }, 'the order service is stopping')
      await Promise.all([app.close(), reaper?.stop()])
      await options.onStopped?.()
      log.info({ url }, 'the order service has stopped')
    })()
    return stopped
  }
  if (options.signals !== false) {
    closeWithGrace({ delay: options.stopWithinMs ?? 10_000, logger: false }, async ({ err }) => {
      if (err !== undefined) log.error({ error: err.message, stack: err.stack }, 'the order service failed')
      await stop()
    })
  }
  return { url, stop }
}
