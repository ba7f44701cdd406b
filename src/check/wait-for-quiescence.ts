import { systemClock, type Clock } from '../core/clock.ts'
import { SluiceError } from '../core/errors.ts'
import { topicOf } from './evidence.ts'
import { makeInterner } from './interner.ts'
import { Brokers } from './log/brokers.ts'
import { readLag, type WatchedGroup } from './log/group-lag.ts'
import { OutboxTail } from './log/outbox-tail.ts'
import { openPostgres } from './read-postgres.ts'
import type { CheckTargets } from './types.ts'

/** What is still under way; all zero is quiet. */
export interface Unrest {
  readonly openOrders: number
  /** Outbox rows that are not yet on the topic. */
  readonly outboxRows: number
  /** Records still to be read, per consumer group. */
  readonly lag: Readonly<Record<string, number>>
  readonly waitedMs: number
}

export interface QuiescenceOptions extends CheckTargets {
  readonly timeoutMs: number
  readonly signal?: AbortSignal
  readonly onProgress?: (unrest: Unrest) => void
  readonly clock?: Clock
  readonly pollIntervalMs?: number
  /** Default: the groups of the order pipeline, in the direction of the flow. */
  readonly groups?: readonly WatchedGroup[]
}

const pipelineGroups = (topicPrefix: string): WatchedGroup[] =>
  [
    { groupId: 'orders', topics: [topicOf.outbox, topicOf.movements] },
    { groupId: 'settlement', topics: [topicOf.updates, topicOf.confirmed, topicOf.rejected] },
    { groupId: 'materializer', topics: [topicOf.updates] },
  ].map(({ groupId, topics }) => ({ groupId, topics: topics.map(topic => `${topicPrefix}${topic}`) }))

const isQuiet = ({ openOrders, outboxRows, lag }: Unrest): boolean =>
  openOrders + outboxRows + Object.values(lag).reduce((sum, records) => sum + records, 0) === 0

const describe = ({ openOrders, outboxRows, lag }: Unrest): string =>
  [
    `${openOrders} orders open`,
    `${outboxRows} outbox rows not on the topic`,
    ...Object.entries(lag).map(([group, records]) => `group ${group} ${records} records behind`),
  ].join(', ')

/**
 * Waits until nothing is under way: outbox drained, every group at the end of what it reads, no order open.
 * Looks in the direction of the flow, so that nothing can slip past between two looks.
 * Rejects with `SLUICE_CHECK_NOT_QUIET`, saying what is left, after `timeoutMs`.
 *
 * @example await waitForQuiescence({ ...stackUrls, timeoutMs: 60_000 })
 */
export const waitForQuiescence = async (options: QuiescenceOptions): Promise<Unrest> => {
  const { timeoutMs, signal, onProgress, pollIntervalMs = 250, topicPrefix = '' } = options
  const groups = options.groups ?? pipelineGroups(topicPrefix)
  const clock = options.clock ?? systemClock
  const startedAtMs = clock.now()
  const brokers = new Brokers(options.kafka)
  const tail = new OutboxTail(brokers, `${topicPrefix}${topicOf.outbox}`, options.registry, makeInterner())
  const client = await openPostgres(options.postgres)
  const countOpen = async (): Promise<number> => {
    const { rows } = await client.query<{ open: number }>(
      "SELECT count(*)::int AS open FROM orders WHERE status = 'created'",
    )
    return rows[0]?.open ?? 0
  }
  const look = async (): Promise<Unrest> => {
    const { rows } = await client.query<{ id: string }>('SELECT id::text FROM outbox_event')
    await tail.advance(signal)
    const outboxRows = rows.filter(({ id }) => !tail.has(id)).length
    const lag: Record<string, number> = {}
    for (const group of groups) lag[group.groupId] = await readLag(brokers, group)
    return { openOrders: await countOpen(), outboxRows, lag, waitedMs: clock.now() - startedAtMs }
  }
  try {
    for (;;) {
      signal?.throwIfAborted()
      const unrest = await look()
      onProgress?.(unrest)
      if (isQuiet(unrest)) return unrest
      if (unrest.waitedMs >= timeoutMs) {
        throw new SluiceError({
          code: 'SLUICE_CHECK_NOT_QUIET',
          message: `still not quiet after ${Math.round(unrest.waitedMs / 1000)} s: ${describe(unrest)}`,
          remedy: 'see that service, relay and workers run (`sluice lag`), or wait longer',
          details: { ...unrest },
        })
      }
      await clock.sleep(pollIntervalMs, signal)
    }
  } finally {
    await client.end()
    await brokers.close()
  }
}
