import type { Client } from 'pg'
import { systemClock, type Clock } from '../core/clock.ts'
import { messageOf, SluiceError } from '../core/errors.ts'
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

const isQuiet = ({ openOrders, outboxRows, lag }: Omit<Unrest, 'waitedMs'>): boolean =>
  openOrders + outboxRows + Object.values(lag).reduce((sum, records) => sum + records, 0) === 0

const describe = ({ openOrders, outboxRows, lag }: Unrest): string =>
  [
    `${openOrders} orders open`,
    `${outboxRows} outbox rows not on the topic`,
    ...Object.entries(lag).map(([group, records]) => `group ${group} ${records} records behind`),
  ].join(', ')

const notQuiet = (waitedMs: number, state: string, cause?: unknown): SluiceError =>
  new SluiceError({
    code: 'SLUICE_CHECK_NOT_QUIET',
    message: `still not quiet after ${Math.round(waitedMs / 1000)} s: ${state}`,
    remedy: 'see that service, relay and workers run (`sluice lag`), or wait longer',
    ...(cause !== undefined && { cause }),
  })

/**
 * Waits until nothing is under way: outbox drained, every group at the end of what it reads, no order open.
 * Looks in the direction of the flow, so that nothing can slip past between two looks. Rejects with
 * `SLUICE_CHECK_NOT_QUIET`, saying what is left, after `timeoutMs`; with another code when the first look fails.
 *
 * @example await waitForQuiescence({ ...stackUrls, timeoutMs: 60_000 })
 */
export const waitForQuiescence = async (options: QuiescenceOptions): Promise<Unrest> => {
  const { timeoutMs, signal, onProgress, pollIntervalMs = 250 } = options
  const clock = options.clock ?? systemClock
  const startedAtMs = clock.now()
  const brokers = new Brokers(options.kafka)
  let hasLooked = false
  let state = 'nothing could be read yet'
  const client = await openPostgres(options.postgres)
  const look = makeLook(options, client, brokers)
  try {
    for (;;) {
      signal?.throwIfAborted()
      let failure: unknown
      try {
        const unrest = { ...(await look()), waitedMs: clock.now() - startedAtMs }
        hasLooked = true
        state = describe(unrest)
        onProgress?.(unrest)
        if (isQuiet(unrest)) return unrest
      } catch (error) {
        // Offsets inside a transaction, a broker that restarts: the next look may succeed. A wrong address will not.
        if (signal?.aborted === true || (!hasLooked && error instanceof SluiceError)) throw error
        failure = error
      }
      const waitedMs = clock.now() - startedAtMs
      if (waitedMs >= timeoutMs) {
        throw notQuiet(
          waitedMs,
          failure === undefined ? state : `${state}; then ${messageOf(failure)}`,
          failure,
        )
      }
      await clock.sleep(pollIntervalMs, signal)
    }
  } finally {
    await client.end()
    await brokers.close()
  }
}

const makeLook = (
  options: QuiescenceOptions,
  client: Client,
  brokers: Brokers,
): (() => Promise<Omit<Unrest, 'waitedMs'>>) => {
  const { signal, topicPrefix = '' } = options
  const groups = options.groups ?? pipelineGroups(topicPrefix)
  const tail = new OutboxTail(brokers, `${topicPrefix}${topicOf.outbox}`, options.registry, makeInterner())
  const count = async (from: string): Promise<number> => {
    const { rows } = await client.query<{ count: number }>(`SELECT count(*)::int AS count FROM ${from}`)
    return rows[0]?.count ?? 0
  }
  /** By number while rows are plainly missing, by id once it could be all. */
  const countUnsent = async (): Promise<number> => {
    const written = await count('outbox_event')
    await tail.advance(signal)
    if (written > tail.size) return written - tail.size
    const { rows } = await client.query<{ id: string }>('SELECT id::text FROM outbox_event')
    return rows.filter(({ id }) => !tail.has(id)).length
  }
  return async () => {
    const outboxRows = await countUnsent()
    const lag: Record<string, number> = {}
    for (const group of groups) lag[group.groupId] = await readLag(brokers, group)
    return { openOrders: await count("orders WHERE status = 'created'"), outboxRows, lag }
  }
}
