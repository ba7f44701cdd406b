import { avro, type AvroType } from '../../codec/avro.ts'
import { isAvroFormat, type Format } from '../dsl/format.ts'
import { brokerTopicName, changelogTopicName, writtenAs, type Topology } from '../dsl/graph.ts'

/** A format as the registry knows it: bound to the subject of the topic that it is written to. */
export const avroTypeOf = (brokerTopic: string, value: Format<unknown>): AvroType<unknown> | undefined =>
  isAvroFormat(value) ? avro(`${brokerTopic}-value`, value.schema) : undefined

/**
 * Every Avro schema that workers of a topology register: those of its topics, of its repartition topics, and of the changelogs
 * of its stores.
 *
 * @example avroTypesOf(orders).map(({ subject }) => subject) // ['order-created-value', …, 'orders-stock-ledger-changelog-value']
 */
export const avroTypesOf = (topology: Topology): readonly AvroType<unknown>[] => {
  const as = writtenAs(topology)
  return [
    ...[...topology.topics.values()].map(({ name, value }) => avroTypeOf(brokerTopicName(as, name), value)),
    ...[...topology.stores.values()].map(({ name, value }) =>
      avroTypeOf(changelogTopicName(as, name), value),
    ),
  ].filter(type => type !== undefined)
}
