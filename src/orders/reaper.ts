import type { Clock } from '../core/clock.ts'
import type { CrashPoints } from '../core/crash-points.ts'
import { messageOf } from '../core/errors.ts'
import type { Logger } from '../core/log.ts'
import { entryKindOf } from './entry-id.ts'
import type { EntryKind } from './entry-id.ts'
import type { Fate } from './entry-repository.ts'
import { silentMetrics } from './metrics.ts'
import type { OrderMetrics } from './metrics.ts'
import type { ReservationIntents, Reservations } from './reservation/types.ts'

export interface ReaperOptions {
  readonly intents: ReservationIntents
  readonly reservations: Reservations
  /** The tables that decide, by the kind of entry. */
  readonly entries: Readonly<Record<EntryKind, { abandonUnlessAccepted(id: string): Promise<Fate> }>>
  /** Idempotency keys are pruned along the way. */
  readonly idempotency?: { prune(retentionMs: number): Promise<number> }
  readonly clock: Clock
  readonly log: Logger
  readonly metrics?: OrderMetrics
  /**
   * An intent younger than this belongs to a request at work, default 60,000 ms. It must exceed the time after which no
   * request begins to reserve (20 s), the longest reservation (8 s) and what the clocks of the processes differ by.
   */
  readonly graceMs?: number
  /** Pause between walks, default 10,000 ms. */
  readonly intervalMs?: number
  /** How long an idempotency key is remembered, default 24 hours. */
  readonly keyRetentionMs?: number
  /** Aborting it ends a walk after the intent in hand; the next walk, of any process, finds the others. */
  readonly signal?: AbortSignal
  readonly crash?: CrashPoints | undefined
}

/** What one walk did: entries Postgres knew, entries given back, intents left for the next walk. */
export interface ReapReport {
  readonly accepted: number
  readonly abandoned: number
  readonly failed: number
}

/**
 * One walk over what dead processes may have left behind. Any number of reapers may walk at once.
 *
 * @example await reapOnce({ intents, reservations, entries: { order: orders, adjustment: adjustments }, clock, log })
 */
export const reapOnce = async (options: ReaperOptions): Promise<ReapReport> => {
  const { intents, reservations, entries, clock, log, crash } = options
  const metrics = options.metrics ?? silentMetrics
  const report = { accepted: 0, abandoned: 0, failed: 0 }
  for await (const intent of intents.pending(clock.now() - (options.graceMs ?? 60_000))) {
    if (options.signal?.aborted === true) break
    const id = intent.entryId
    try {
      crash?.('reaper.before-abandon')
      const fate = await entries[entryKindOf(id)].abandonUnlessAccepted(id)
      if (fate === 'abandoned') {
        crash?.('reaper.after-abandon')
        await reservations.release(id, intent.skus)
        crash?.('reaper.after-release')
      }
      await intents.remove(id, intent.at)
      report[fate] += 1
      metrics.reaped(fate)
      if (fate === 'abandoned') log.info({ id }, 'an entry that was never accepted has been given back')
    } catch (error) {
      report.failed += 1
      metrics.reaped('failed')
      log.warn(
        { id, error: messageOf(error) },
        'an intent could not be dealt with; the next walk will try again',
      )
    }
  }
  return report
}

/** A reaper at work. */
export interface Reaper {
  /** Ends after the intent in hand. */
  stop(): Promise<void>
}

/**
 * Walks until it is stopped; a walk that fails is logged and made again.
 *
 * @example const reaper = runReaper(options); await reaper.stop()
 */
export const runReaper = (options: Omit<ReaperOptions, 'signal'>): Reaper => {
  const { clock, log } = options
  const stopping = new AbortController()
  const walk = async (): Promise<void> => {
    try {
      await reapOnce({ ...options, signal: stopping.signal })
      if (stopping.signal.aborted) return
      await options.idempotency?.prune(options.keyRetentionMs ?? 86_400_000)
    } catch (error) {
      log.warn({ error: messageOf(error) }, 'the reaper could not walk; it will try again')
    }
  }
  const loop = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await walk()
      await clock.sleep(options.intervalMs ?? 10_000, stopping.signal).catch(() => {})
    }
  }
  const done = loop()
  return {
    stop: () => {
      stopping.abort(new Error('the reaper is being stopped'))
      return done
    },
  }
}
