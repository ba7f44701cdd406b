import type { Serde } from '../../../../src/codec/serde.ts'
import { utf8 } from '../../../../src/codec/serde.ts'
import {
  aggregate,
  avroFormat,
  effect,
  from,
  rekey,
  repartition,
  store,
  to,
  topic,
  topology,
  type Topology,
  type TopologyOptions,
} from '../../../../src/streams/dsl/index.ts'

export interface Count {
  readonly count: number
}

export const countSchema = (...more: readonly object[]): object => ({
  type: 'record',
  name: 'Count',
  fields: [{ name: 'count', type: 'long' }, ...more],
})

/** What a variant of `counting` changes. */
export interface Variant {
  readonly name?: string
  readonly storeName?: string
  readonly storeSchema?: object
  readonly storeKey?: Serde<string>
  readonly retentionMs?: number
  readonly partitions?: number
  readonly config?: Readonly<Record<string, string>>
  readonly repartitionName?: string
  readonly withoutEffect?: boolean
  readonly idempotent?: string
  readonly eventId?: (value: Count) => string
  readonly topicValue?: Serde<Count>
  readonly options?: TopologyOptions
}

/** A small topology: words are counted by word; two sub-topologies, one store, one effect. */
export const counting = (variant: Variant = {}): Topology => {
  const words = topic('words', {
    key: utf8,
    value: avroFormat<Count>(countSchema()),
    partitions: variant.partitions ?? 4,
    ...(variant.config === undefined ? {} : { config: variant.config }),
  })
  const counts = topic('counts', {
    key: utf8,
    value: variant.topicValue ?? avroFormat<Count>(countSchema()),
    ...(variant.eventId === undefined ? {} : { eventId: variant.eventId }),
  })
  const wordCounts = store(variant.storeName ?? 'word-counts', {
    key: variant.storeKey ?? utf8,
    value: avroFormat<Count>(variant.storeSchema ?? countSchema()),
    ...(variant.retentionMs === undefined ? {} : { retentionMs: variant.retentionMs }),
  })
  const counted = from(words).pipe(
    rekey(m => m.key.toLowerCase()),
    repartition(variant.repartitionName ?? 'by-word', {
      key: utf8,
      value: avroFormat<Count>(countSchema()),
    }),
    aggregate('count-words', wordCounts, (current, m) => ({
      count: (current?.count ?? 0) + m.value.count,
    })),
  )
  const idempotent = variant.idempotent ?? 'the reader keeps the last'
  return topology(
    variant.name ?? 'counting',
    {
      'write-counts': counted.pipe(to(counts)),
      ...(variant.withoutEffect === true
        ? {}
        : { announce: counted.pipe(effect('announce', { idempotent })) }),
    },
    variant.options,
  )
}
