import type { Clock } from '../../core/clock.ts'
import type { ConsumedRecord, Kafka, KafkaAdmin, LogReader, TopicPartition } from '../../kafka/types.ts'
import { deadLetterTopicName, hasDeadLetters } from '../../streams/dsl/failures.ts'
import { readDeadLetter, type DeadLetter } from '../../streams/engine/read-dead-letter.ts'
import { OpenTransactions } from '../../streams/inspect/log/open-transactions.ts'
import { partitionsOf } from '../../streams/inspect/log/partitions.ts'
import { readRange } from '../../streams/inspect/log/read-range.ts'
import type { ValueDecoder } from '../../streams/inspect/values/value-decoder.ts'
import { topologies } from '../../../topology/index.ts'
import { eventTopics, OrderEvents } from './order-events.ts'
import type { Place } from './types.ts'

/** What the log holds of an order, and how far its readers are. */
export interface LogEvidence {
  readonly events: OrderEvents
  readonly deadLetters: readonly (DeadLetter & { readonly place: Place })[]
  /** Where a consumer group stands: the next offset that it will process; undefined where it never committed. */
  readonly committed: (group: string, place: TopicPartition) => number | undefined
  readonly missingTopics: readonly string[]
  /** Partitions that were not read to their ends, for want of time. */
  readonly unread: readonly TopicPartition[]
}

export interface ReadLogOptions {
  readonly kafka: Kafka
  readonly admin: KafkaAdmin
  readonly decoder: ValueDecoder
  readonly clock: Pick<Clock, 'now'>
  readonly signal: AbortSignal
  /** Nothing is read after this time. */
  readonly deadlineMs: number
  readonly onRead?: ((records: number) => void) | undefined
}

/** An order to look for. */
export interface WantedOrder {
  readonly orderId: string
  readonly skus: readonly string[]
  /** No record of it is older, milliseconds since the epoch. */
  readonly sinceMs: number
}

const deadLetterTopics = Object.values(topologies).filter(hasDeadLetters).map(deadLetterTopicName)

interface Search {
  readonly events: OrderEvents
  readonly orderId: string
  readonly decoder: ValueDecoder
  readonly letters: (DeadLetter & { readonly place: Place })[]
  readonly transactions: OpenTransactions
}

const placeOf = ({ topic, partition, offset }: Place): Place => ({ topic, partition, offset })

/** A parked record is the order's by its key, or by the id in its header where its key is a SKU. */
const isOurLetter = ({ events, orderId }: Search, letter: DeadLetter): boolean =>
  letter.key?.toString('utf8') === orderId || events.isOurs({ ...letter, topic: letter.source.topic })

const take = async (search: Search, records: readonly ConsumedRecord[]): Promise<void> => {
  const { events, decoder, letters, transactions } = search
  const ours = records.filter(
    record =>
      eventTopics.includes(record.topic) && record.transaction?.marker === undefined && events.isOurs(record),
  )
  await decoder.load(ours.map(({ value }) => value))
  for (const record of records) {
    const ended = transactions.note(record)
    if (ended !== undefined) {
      events.end(ended, ended.offsets, ended.outcome === 'committed' ? ended.at : null)
      if (ended.outcome === 'aborted') forget(letters, ended)
    } else if (deadLetterTopics.includes(record.topic)) {
      const letter = { ...readDeadLetter(record), place: placeOf(record) }
      if (isOurLetter(search, letter)) letters.push(letter)
    } else if (events.isOurs(record)) {
      const decoded = decoder.decode(record.value)
      events.add({
        ...placeOf(record),
        timestamp: record.timestamp,
        committedAt: null,
        isOpen: record.transaction !== undefined,
        value: decoded.kind === 'avro' ? decoded.value : undefined,
      })
    }
  }
}

const forget = (
  letters: { readonly place: Place }[],
  ended: TopicPartition & { offsets: readonly number[] },
): void => {
  for (const [index, { place }] of [...letters.entries()].toReversed()) {
    const { topic, partition, offset } = place
    if (topic === ended.topic && partition === ended.partition && ended.offsets.includes(offset))
      letters.splice(index, 1)
  }
}

/** Where each group stands in each of its topics. */
const readCommitted = async (
  admin: KafkaAdmin,
  partitions: readonly TopicPartition[],
): Promise<LogEvidence['committed']> => {
  const positions = new Map<string, number>()
  for (const { name, subTopologies } of Object.values(topologies)) {
    const sources = subTopologies.flatMap(({ sourceTopics }) => sourceTopics)
    const read = partitions.filter(({ topic }) => sources.includes(topic))
    for (const { topic, partition, offset } of await admin.unstableOffsets(name, read))
      if (offset >= 0) positions.set(`${name} ${topic} ${partition}`, offset)
  }
  return (group, { topic, partition }) => positions.get(`${group} ${topic} ${partition}`)
}

/**
 * Looks for an order's events where they can be: partitions follow from keys, and a partition is left as soon as nothing more of
 * the order can come in it. Errors: those of Kafka.
 */
export const readOrderLog = async (order: WantedOrder, options: ReadLogOptions): Promise<LogEvidence> => {
  const { kafka, admin, decoder, clock, signal, deadlineMs, onRead } = options
  const existing = new Set(await admin.listTopics())
  const described = await admin.describeTopics(eventTopics.filter(topic => existing.has(topic)))
  const events = new OrderEvents(order.orderId, order.skus, described)
  const eventPartitions = events.partitions()
  const letterPartitions = await partitionsOf(
    admin,
    deadLetterTopics.filter(topic => existing.has(topic)),
  )
  const partitions = [...eventPartitions, ...letterPartitions]
  const starts = await admin.offsetsAt(partitions, order.sinceMs)
  const ends = await admin.listOffsets(partitions, 'latest')
  const search = {
    events,
    orderId: order.orderId,
    decoder,
    letters: [],
    transactions: new OpenTransactions(),
  }
  const reader = kafka.reader({ transactions: true })
  let unread: readonly TopicPartition[] = []
  let read = 0
  try {
    for await (const records of readRange(reader, { starts, ends }, signal)) {
      await take(search, records)
      reader.remove(eventPartitions.filter(of => events.isComplete(of)))
      onRead?.((read += records.length))
      if (clock.now() < deadlineMs) continue
      unread = ends.filter(end => isBehind(reader, end))
      break
    }
  } finally {
    await reader.close()
  }
  return {
    events,
    deadLetters: search.letters,
    committed: await readCommitted(admin, eventPartitions),
    missingTopics: eventTopics.filter(topic => !existing.has(topic)),
    unread,
  }
}

const isBehind = (reader: LogReader, end: Place): boolean => (reader.position(end) ?? Infinity) < end.offset
