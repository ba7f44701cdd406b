import type { Cassandra } from '../../cassandra/client.ts'
import type { CassandraRow } from '../../cassandra/values.ts'
import { optionalTime, text } from '../../cassandra/values.ts'
import { mapLimited } from '../../core/limited.ts'
import type { ReservationIntent, ReservationIntents } from './types.ts'

/** How intents are kept. */
export interface ReservationIntentOptions {
  readonly cassandra: Cassandra
  /**
   * How long after its own time an intent may still arrive (skew of clocks, slow requests): so far back every walk begins
   * again. Default 120,000.
   */
  readonly slackMs?: number
}

// A second's intents in a partition: deleted ones stay as tombstones, and reading past too many of them fails.
const bucketMs = 1_000
const parallelReads = 16
const progressName = 'reaper'

/** The partition that an intent recorded at this time lies in, milliseconds since the epoch. */
export const intentBucketOf = (atMs: number): number => Math.floor(atMs / bucketMs) * bucketMs

const intentOf = (row: CassandraRow, bucket: number): ReservationIntent => ({
  entryId: text(row, 'order_id'),
  skus: Array.isArray(row['skus']) ? row['skus'].map(String) : [],
  at: optionalTime(row, 'created_at') ?? bucket,
})

/**
 * Intents in Cassandra, by the second of their creation. A walk begins where the last one met an intent that was still
 * there, so it never goes over the whole past again.
 */
export const createReservationIntents = ({
  cassandra,
  slackMs = 120_000,
}: ReservationIntentOptions): ReservationIntents => {
  const firstBucket = async (): Promise<number | undefined> => {
    const query = 'SELECT bucket FROM reservation_reaper WHERE name = ?'
    const [row] = await cassandra.read({ query, params: [progressName] }, 'quorum')
    const reached = row === undefined ? undefined : optionalTime(row, 'bucket')
    if (reached !== undefined) return reached
    // Nobody has walked yet: the only time that all partitions are looked for.
    let oldest: number | undefined
    for await (const found of cassandra.scan({
      query: 'SELECT DISTINCT bucket FROM reservation_intent',
      params: [],
    })) {
      const bucket = optionalTime(found, 'bucket') ?? Number.POSITIVE_INFINITY
      oldest = Math.min(oldest ?? bucket, bucket)
    }
    return oldest
  }

  const readBucket = async (bucket: number): Promise<ReservationIntent[]> => {
    const query = 'SELECT order_id, skus, created_at FROM reservation_intent WHERE bucket = ?'
    const rows = await cassandra.read({ query, params: [new Date(bucket)] }, 'quorum')
    return rows.map(row => intentOf(row, bucket))
  }

  return {
    // Times of its own, since the clocks of who records and who removes may differ.
    record: (entryId, skus, atMs) =>
      cassandra.write({
        query:
          'INSERT INTO reservation_intent (bucket, order_id, skus, created_at) VALUES (?, ?, ?, ?) USING TIMESTAMP ?',
        params: [new Date(intentBucketOf(atMs)), entryId, [...skus], new Date(atMs), BigInt(atMs) * 1_000n],
      }),
    remove: (entryId, atMs) =>
      cassandra.write({
        query: 'DELETE FROM reservation_intent USING TIMESTAMP ? WHERE bucket = ? AND order_id = ?',
        params: [BigInt(atMs) * 1_000n + 1n, new Date(intentBucketOf(atMs)), entryId],
      }),
    async *pending(olderThanMs) {
      const end = intentBucketOf(olderThanMs)
      const first = (await firstBucket()) ?? end
      let reached: number | undefined
      for (let from = first; from <= end; from += parallelReads * bucketMs) {
        const buckets = Array.from({ length: parallelReads }, (_, index) => from + index * bucketMs)
        const found = await mapLimited(
          buckets.filter(bucket => bucket <= end),
          parallelReads,
          readBucket,
        )
        for (const intents of found) {
          for (const intent of intents.toSorted((one, other) => one.at - other.at)) {
            if (intent.at >= olderThanMs) continue
            // Seen again on the next walk; removed by then or not.
            reached ??= intentBucketOf(intent.at)
            yield intent
          }
        }
      }
      const next = intentBucketOf(Math.min(reached ?? end, end - slackMs))
      if (next === first) return
      await cassandra.write({
        query: 'INSERT INTO reservation_reaper (name, bucket) VALUES (?, ?)',
        params: [progressName, new Date(next)],
      })
    },
  }
}
