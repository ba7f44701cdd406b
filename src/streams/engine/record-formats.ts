import { SluiceError } from '../../core/errors.ts'
import { derivedId } from '../../core/ids.ts'
import { fitsTopic } from '../../kafka/batch-size.ts'
import { partitionFor } from '../../kafka/partitioner.ts'
import type { ConsumedRecord, Header, ProducedRecord } from '../../kafka/types.ts'
import { brokerTopicName, type GraphTopic, type Topology } from '../dsl/graph.ts'
import { headerText, type Message } from '../dsl/message.ts'
import type { BoundFormats, KeyValueSerde } from './bound-formats.ts'
import { withoutRetry } from './dead-letter.ts'

export interface RecordFormatsOptions {
  readonly topology: Topology
  readonly formats: BoundFormats
  /** By the topic's name on the broker. */
  readonly partitionCount: (brokerTopic: string) => number
  /** `max.message.bytes`, by the topic's name on the broker. */
  readonly maxMessageBytes: (brokerTopic: string) => number
}

/** How a topic of the graph appears in records. */
interface Binding extends KeyValueSerde {
  readonly brokerName: string
  readonly topic: GraphTopic
}

/** The same place and topic never give the same number twice; kept by whoever runs the records. */
export type Ordinals = Map<string, number>

/** Records ↔ messages of one topology; pure. */
export class RecordFormats {
  readonly #options: RecordFormatsOptions
  readonly #bindings = new Map<string, Binding>()
  readonly #graphNameOf = new Map<string, string>()

  constructor(options: RecordFormatsOptions) {
    const { topology, formats } = options
    this.#options = options
    for (const [name, topic] of topology.topics) {
      const brokerName = brokerTopicName(topology, name)
      this.#bindings.set(name, { brokerName, topic, ...formats.topic(name) })
      this.#graphNameOf.set(brokerName, name)
    }
  }

  /** The topic's name in the graph. */
  graphName(brokerTopic: string): string {
    return this.#graphNameOf.get(brokerTopic) as string
  }

  /** Undefined for a record without a value where those mean nothing. Errors: SLUICE_CODEC_*, SLUICE_STREAMS_VALUE_MISSING. */
  decode(record: ConsumedRecord): Message<unknown, unknown> | undefined {
    const { topic, key, value } = this.#bindings.get(this.graphName(record.topic)) as Binding
    if (record.value === null) {
      if (topic.nullValues === 'ignore') return undefined
      throw valueMissing(record)
    }
    return {
      key: record.key === null ? null : key.decode(record.key),
      value: value.decode(record.value),
      topic: record.topic,
      partition: record.partition,
      offset: record.offset,
      timestamp: record.timestamp,
      headers: record.headers,
    }
  }

  /** The record that a message becomes in a topic of the graph. Errors: SLUICE_CODEC_*, SLUICE_STREAMS_OUTPUT_TOO_LARGE. */
  encode(topicName: string, message: Message<unknown, unknown>, ordinals: Ordinals): ProducedRecord {
    const { brokerName, topic, key, value } = this.#bindings.get(topicName) as Binding
    const keyBytes = key.encode(message.key)
    return this.fitting({
      topic: brokerName,
      partition: partitionFor(keyBytes, this.#options.partitionCount(brokerName)),
      timestamp: message.timestamp,
      key: keyBytes,
      value: value.encode(message.value),
      headers:
        topic.kind === 'repartition'
          ? withoutRetry(message.headers)
          : this.#headersFor(topic, message, ordinals),
    })
  }

  /** The record itself. Errors: SLUICE_STREAMS_OUTPUT_TOO_LARGE when its topic would not take it. */
  fitting(record: ProducedRecord): ProducedRecord {
    const limitBytes = this.#options.maxMessageBytes(record.topic)
    if (!fitsTopic(record, limitBytes)) throw outputTooLarge(record, limitBytes)
    return record
  }

  #headersFor(topic: GraphTopic, message: Message<unknown, unknown>, ordinals: Ordinals): readonly Header[] {
    const eventType = this.#options.formats.eventType(topic.name)
    const trace = message.headers.find(header => header[0] === 'traceparent')
    return [
      ['id', Buffer.from(eventId(topic, message, ordinals))],
      ...(eventType === undefined ? [] : [['eventType', Buffer.from(eventType)] as const]),
      ...(trace === undefined ? [] : [trace]),
    ]
  }
}

// Name-based, so that the same input gives the same ids whatever the turns were.
const eventId = (topic: GraphTopic, message: Message<unknown, unknown>, ordinals: Ordinals): string => {
  if (topic.eventId !== undefined) return topic.eventId(message.value as never)
  const place = `${message.topic}-${message.partition}-${message.offset}`
  const source = headerText(message.headers, 'id') ?? place
  const counted = `${place}>${topic.name}`
  const ordinal = ordinals.get(counted) ?? 0
  ordinals.set(counted, ordinal + 1)
  return derivedId(source, topic.name, ordinal)
}

const valueMissing = ({ topic, partition, offset }: ConsumedRecord): SluiceError =>
  new SluiceError({
    code: 'SLUICE_STREAMS_VALUE_MISSING',
    message: `the record at ${topic}[${partition}] offset ${offset} has no value`,
    remedy: "declare the topic with nullValues: 'ignore' where such records mean nothing",
    details: { topic, partition, offset },
  })

const outputTooLarge = ({ topic, key, value }: ProducedRecord, limitBytes: number): SluiceError => {
  const bytes = (key?.length ?? 0) + (value?.length ?? 0)
  return new SluiceError({
    code: 'SLUICE_STREAMS_OUTPUT_TOO_LARGE',
    message: `a record of ${bytes} bytes is too large for ${topic}, which takes ${limitBytes}`,
    remedy: "make it smaller, or raise the topic's max.message.bytes and restart the worker",
    details: { topic, bytes, limitBytes },
  })
}
