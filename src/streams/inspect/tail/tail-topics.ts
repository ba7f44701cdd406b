import type {
  ConsumedRecord,
  Kafka,
  KafkaAdmin,
  LogReader,
  OffsetPosition,
  TopicPartition,
} from '../../../kafka/types.ts'
import { OpenTransactions, type EndedTransaction } from '../log/open-transactions.ts'
import { partitionsOf } from '../log/partitions.ts'
import { readRange } from '../log/read-range.ts'
import type { Decoded, ValueDecoder } from '../values/value-decoder.ts'
import { startOffsets, type TailStart } from './start.ts'

/** A record as it is shown. */
export interface TailedRecord {
  readonly record: ConsumedRecord
  readonly key: Decoded
  readonly value: Decoded
  /** `open` in a tail of uncommitted records: its transaction had not ended when it was read. */
  readonly state: 'committed' | 'open' | 'aborted'
}

/** What a tail gives: a record, or the end of a transaction of which records were shown as open. */
export type TailItem = { readonly shown: TailedRecord } | { readonly ended: EndedTransaction }

export interface TailOptions {
  readonly kafka: Kafka
  readonly admin: KafkaAdmin
  readonly decoder: ValueDecoder
  readonly topics: readonly string[]
  readonly start: TailStart
  /** Goes on until the signal; else ends where the topics ended when it began. */
  readonly follow: boolean
  /** With records of open and aborted transactions, marked as such. */
  readonly uncommitted?: boolean
  readonly key?: Buffer | undefined
  readonly partition?: number | undefined
  readonly signal: AbortSignal
}

/**
 * The records of topics, decoded: in offset order per partition, by time among those that came together. A value that cannot be
 * decoded is an item like any other.
 *
 * Errors: SLUICE_KAFKA_UNKNOWN_TOPIC, and those of a log that cannot be read.
 *
 * @example for await (const item of tailTopics({ ...access, topics: ['order-created'], start: { kind: 'now' }, follow: true, signal })) show(item)
 */
export async function* tailTopics(options: TailOptions): AsyncGenerator<TailItem> {
  const { admin, kafka, signal, start, topics } = options
  const all = await partitionsOf(admin, topics)
  const { partition } = options
  const partitions = partition === undefined ? all : topics.map(topic => ({ topic, partition }))
  const ends = await admin.listOffsets(
    partitions,
    options.uncommitted === true ? 'latest' : 'latest-committed',
  )
  const reader = kafka.reader({ transactions: options.uncommitted === true })
  const showing = new Showing(options)
  try {
    if (start.kind === 'last') {
      yield* showing.items(await lastRecords(reader, options, partitions, ends, start.count))
      reader.assign(ends)
    } else {
      const starts = await startOffsets(admin, partitions, start, ends)
      if (!options.follow)
        for await (const records of readRange(reader, { starts, ends }, signal)) yield* showing.items(records)
      else reader.assign(starts)
    }
    while (options.follow && !signal.aborted) yield* showing.items(await reader.poll(1_000, 500))
  } finally {
    await reader.close()
  }
}

/** The last `count` records of each partition, whatever else takes offsets between them. */
const lastRecords = async (
  reader: LogReader,
  { admin, signal }: TailOptions,
  partitions: readonly TopicPartition[],
  ends: readonly OffsetPosition[],
  count: number,
): Promise<readonly ConsumedRecord[]> => {
  const earliest = await admin.listOffsets(partitions, 'earliest')
  for (let factor = 1; ; factor *= 4) {
    const starts = await startOffsets(admin, partitions, { kind: 'last', count }, ends, factor)
    const kept = new Map<string, ConsumedRecord[]>()
    for await (const records of readRange(reader, { starts, ends }, signal)) {
      for (const record of records) {
        const ring = kept.get(`${record.topic}-${record.partition}`) ?? []
        ring.push(record)
        kept.set(`${record.topic}-${record.partition}`, ring.slice(-count * 2))
      }
    }
    const recordsOf = ({ topic, partition }: TopicPartition): readonly ConsumedRecord[] =>
      kept.get(`${topic}-${partition}`) ?? []
    const isEnough = starts.every(
      (from, index) =>
        from.offset === earliest[index]?.offset ||
        recordsOf(from).filter(({ transaction }) => transaction?.marker === undefined).length >= count,
    )
    if (isEnough) return partitions.flatMap(of => lastOf(recordsOf(of), count))
  }
}

/** The last so many, with the markers between and behind them. */
const lastOf = (records: readonly ConsumedRecord[], count: number): readonly ConsumedRecord[] => {
  let wanted = count
  const from = records.findLastIndex(({ transaction }) => transaction?.marker === undefined && --wanted === 0)
  return records.slice(Math.max(0, from))
}

/** Records of several partitions by time; within one, offsets come first, whatever their times are. */
const byTime = (records: readonly ConsumedRecord[]): ConsumedRecord[] => {
  const latest = new Map<string, number>()
  return records
    .map(record => {
      const place = `${record.topic}-${record.partition}`
      const time = Math.max(record.timestamp, latest.get(place) ?? -Infinity)
      latest.set(place, time)
      return { record, time }
    })
    .toSorted((left, right) => left.time - right.time)
    .map(({ record }) => record)
}

/** Makes items of what was read. */
class Showing {
  readonly #options: TailOptions
  readonly #transactions = new OpenTransactions()

  constructor(options: TailOptions) {
    this.#options = options
  }

  async *items(records: readonly ConsumedRecord[]): AsyncGenerator<TailItem> {
    const { decoder, key } = this.#options
    const states = new Map<string, TailedRecord['state']>()
    const later: EndedTransaction[] = []
    const idOf = ({ topic, partition }: TopicPartition, offset: number): string =>
      `${topic}-${partition}-${offset}`
    const wanted = records.filter(
      record =>
        record.transaction?.marker === undefined && (key === undefined || record.key?.equals(key) === true),
    )
    const here = new Set(wanted.map(record => idOf(record, record.offset)))
    for (const record of records) {
      const isMarker = record.transaction?.marker !== undefined
      if (!isMarker && !here.has(idOf(record, record.offset))) continue
      const ended = this.#transactions.note(record)
      if (ended === undefined) continue
      for (const offset of ended.offsets) states.set(idOf(ended, offset), ended.outcome)
      const shownBefore = ended.offsets.filter(offset => !here.has(idOf(ended, offset)))
      if (shownBefore.length > 0) later.push({ ...ended, offsets: shownBefore })
    }
    for (const ended of later) yield { ended }
    await decoder.load(wanted.flatMap(record => [record.key, record.value]))
    for (const record of byTime(wanted)) {
      const state =
        record.transaction === undefined ? 'committed' : (states.get(idOf(record, record.offset)) ?? 'open')
      yield {
        shown: { record, key: decoder.decode(record.key), value: decoder.decode(record.value), state },
      }
    }
  }
}
