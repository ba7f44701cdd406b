import type { AvroCodecs } from '../../codec/avro-codecs.ts'
import type { Serde } from '../../codec/serde.ts'
import { isAvroFormat, type Format } from '../dsl/format.ts'
import { brokerTopicName, changelogTopicName, writtenAs, type Topology } from '../dsl/graph.ts'
import { avroTypeOf, avroTypesOf } from './avro-types.ts'

export interface KeyValueSerde {
  readonly key: Serde<unknown>
  readonly value: Serde<unknown>
}

/** All formats of one topology, ready to encode and decode. */
export interface BoundFormats {
  /** By the topic's name in the graph. */
  topic(name: string): KeyValueSerde
  store(name: string): KeyValueSerde
  /** The record name of a topic's Avro schema, for the `eventType` header. */
  eventType(topicName: string): string | undefined
}

const eventTypeOf = (format: Format<unknown>): string | undefined =>
  isAvroFormat(format) && 'name' in format.schema ? String(format.schema.name) : undefined

/**
 * Registers and binds every format of the topology: its topics and the changelogs of its stores.
 * Errors: those of the registry (unreachable, incompatible schema).
 */
export const bindFormats = async (topology: Topology, codecs: AvroCodecs): Promise<BoundFormats> => {
  const as = writtenAs(topology)
  const topics = [...topology.topics.values()].map(topic => ({
    name: topic.name,
    brokerName: brokerTopicName(as, topic.name),
    key: topic.key,
    value: topic.value,
  }))
  const stores = [...topology.stores.values()].map(store => ({
    name: store.name,
    brokerName: changelogTopicName(as, store.name),
    key: store.key,
    value: store.value,
  }))
  await codecs.prepare(avroTypesOf(topology))
  const bind = (format: Format<unknown>, brokerName: string): Serde<unknown> => {
    const type = avroTypeOf(brokerName, format)
    return type === undefined ? (format as Serde<unknown>) : codecs.serde(type)
  }
  const bindAll = (declared: typeof topics): Map<string, KeyValueSerde> =>
    new Map(
      declared.map(({ name, brokerName, key, value }) => [
        name,
        { key: bind(key, brokerName), value: bind(value, brokerName) },
      ]),
    )
  const topicSerdes = bindAll(topics)
  const storeSerdes = bindAll(stores)
  const eventTypes = new Map(topics.map(({ name, value }) => [name, eventTypeOf(value)]))
  return {
    topic: name => topicSerdes.get(name) as KeyValueSerde,
    store: name => storeSerdes.get(name) as KeyValueSerde,
    eventType: name => eventTypes.get(name),
  }
}
