import { partitionFor } from '../kafka/partitioner.ts'
import type { Header, ProducedRecord } from '../kafka/types.ts'
import type { OutboxEnvelope, OutboxRow } from '../../schemas/types.ts'

/** Where a row comes from, as Debezium's `source` block tells it. */
export interface RowSource {
  /** Topic prefix, Debezium's logical server name. */
  readonly prefix: string
  readonly database: string
  readonly schema: string
  readonly table: string
  /** `false` for what the slot brings; the others for rows that are older than it. */
  readonly snapshot: 'first' | 'true' | 'last' | 'false'
  /** Commit time (of a snapshot's row: the snapshot's time), microseconds since the epoch. */
  readonly timeUs: bigint
  readonly transactionId: number | null
  /** Of the row's log record. */
  readonly lsn: bigint
  readonly lastCommitLsn: bigint | null
}

/** What the relay calls itself in `source.version`. */
const version = 'sluice-0.1.0'

const traceparentPattern = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/

/** The value Debezium's PostgreSQL connector would write for an inserted row. Shape: schemas/shop.public.outbox_event.avsc. */
export const outboxEnvelope = (row: OutboxRow, source: RowSource, nowMs: number): OutboxEnvelope => ({
  before: null,
  after: row,
  source: {
    version,
    connector: 'postgresql',
    name: source.prefix,
    ts_ms: Number(source.timeUs / 1_000n),
    snapshot: source.snapshot,
    db: source.database,
    sequence: JSON.stringify([source.lastCommitLsn?.toString() ?? null, source.lsn.toString()]),
    ts_us: Number(source.timeUs),
    ts_ns: source.timeUs * 1_000n,
    schema: source.schema,
    table: source.table,
    txId: source.transactionId,
    lsn: Number(source.lsn),
    xmin: null,
    origin: null,
    origin_lsn: null,
  },
  transaction: null,
  op: source.snapshot === 'false' ? 'c' : 'r',
  ts_ms: nowMs,
  ts_us: nowMs * 1_000,
  ts_ns: BigInt(nowMs) * 1_000_000n,
})

const traceparentOf = (payload: string | null): string | undefined => {
  if (payload?.includes('"traceparent"') !== true) return undefined
  const value = (JSON.parse(payload) as { readonly traceparent?: unknown } | null)?.traceparent
  return typeof value === 'string' && traceparentPattern.test(value) ? value : undefined
}

/**
 * The Kafka record of an outbox row: key `aggregateid`, time of the commit, headers `id` and `eventType` (and `traceparent`).
 *
 * @example outboxRecord(row, source, { topic, partitions: 4, value: serde.encode(envelope) })
 */
export const outboxRecord = (
  row: OutboxRow,
  source: RowSource,
  target: { readonly topic: string; readonly partitions: number; readonly value: Buffer },
): ProducedRecord => {
  const key = Buffer.from(row.aggregateid, 'utf8')
  const traceparent = traceparentOf(row.payload)
  const headers: Header[] = [
    ['id', Buffer.from(row.id)],
    ['eventType', Buffer.from(row.type)],
    ...(traceparent === undefined ? [] : [['traceparent', Buffer.from(traceparent)] satisfies Header]),
  ]
  return {
    topic: target.topic,
    partition: partitionFor(key, target.partitions),
    timestamp: Number(source.timeUs / 1_000n),
    key,
    value: target.value,
    headers,
  }
}
