import type { ConsumedRecord, ProducedRecord, TopicPartition } from '../../kafka/types.ts'
import { headerText } from '../dsl/message.ts'
import type { StoreDeclaration } from '../dsl/store.ts'
import type { RetentionRule } from '../state/retention.ts'
import type { Entry } from '../state/task-store.ts'
import type { KeyValueSerde } from './bound-formats.ts'

/** Carries a store's stream time where the record's own timestamp does not: on what was written late. */
const streamTimeHeader = 'stream-time'

/**
 * An entry as its changelog has it; a deletion has no value.
 *
 * Stream time is part of the state: a restored store must forget at the same writes as one that never stopped. The last record
 * of a partition is never compacted away, so the largest of what is left is the stream time at the end.
 */
export const changelogRecord = (
  place: TopicPartition,
  { key, value, timestamp, streamTime }: Entry,
  serde: KeyValueSerde,
): ProducedRecord => ({
  ...place,
  timestamp,
  key: serde.key.encode(key),
  value: value === undefined ? null : serde.value.encode(value),
  headers: streamTime > timestamp ? [[streamTimeHeader, Buffer.from(String(streamTime))]] : [],
})

/** The store's stream time right after the write of a changelog's record. */
export const streamTimeOf = ({ headers, timestamp }: ConsumedRecord): number => {
  const header = headerText(headers, streamTimeHeader)
  return header === undefined ? timestamp : Number(header)
}

/** The entry of a changelog's record; the other way round than `changelogRecord`. */
export const entryOfChangelog = (record: ConsumedRecord, serde: KeyValueSerde): Entry => ({
  key: serde.key.decode(record.key as Buffer),
  value: record.value === null ? undefined : serde.value.decode(record.value),
  timestamp: record.timestamp,
  streamTime: streamTimeOf(record),
})

/** What a declared store forgets; undefined where it keeps everything. */
export const retentionRuleOf = (
  declaration: StoreDeclaration<unknown, unknown> | undefined,
): RetentionRule | undefined =>
  declaration?.retentionMs === undefined
    ? undefined
    : { retentionMs: declaration.retentionMs, isEnded: value => declaration.isEnded(value) }
