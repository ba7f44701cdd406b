import { z } from 'zod'
import { deadLetterTopicName, hasDeadLetters, policyOf } from '../dsl/failures.ts'
import { isAvroFormat, type Format } from '../dsl/format.ts'
import { brokerTopicName, changelogTopicName, type GraphTopic, type Topology } from '../dsl/graph.ts'
import { describe } from './describe.ts'

// The shape of `sluice topology describe --format json`. Fields may be added; what is here keeps its name and meaning, or
// the version goes up. docs/topology.schema.json is made of it.

/** Version of the shape. */
export const documentVersion = 1

const format = z
  .discriminatedUnion('kind', [
    z.object({ kind: z.literal('avro'), schema: z.json().describe('The Avro schema.') }),
    z.object({ kind: z.literal('named'), name: z.string().describe('A well-known format, e.g. utf8.') }),
    z.object({ kind: z.literal('opaque') }).describe('Functions of the topology: cannot be compared.'),
  ])
  .describe('How keys or values are written.')

const names = z.array(z.string())

const node = z.object({
  name: z.string().describe('Its identity for life.'),
  kind: z.enum(['source', 'processor', 'sink', 'effect']),
  topics: names.describe('Names as in `topics`, of a source or sink.'),
  stores: names.describe('Names as in `stores`, of a processor.'),
  effect: z
    .object({
      name: z.string().describe('Of the handler that the application binds.'),
      idempotent: z.string().nullable().describe('Why running twice is harmless.'),
    })
    .nullable(),
  onFailure: z.enum(['fail', 'skip', 'dead-letter']).describe('What becomes of a record it fails on.'),
  predecessors: names,
  successors: names,
})

const topic = z.object({
  name: z.string().describe('As the topology names it.'),
  brokerName: z.string().describe('With the application id in front, when it is a repartition topic.'),
  kind: z.enum(['external', 'repartition']),
  key: format,
  value: format,
  partitions: z
    .number()
    .int()
    .nullable()
    .describe('It is created with; null: as the topics it is read with.'),
  config: z.record(z.string(), z.string()).describe('Broker settings it is created with.'),
  eventId: z.enum(['declared', 'derived']).describe('Whether the topology computes the id header itself.'),
})

const store = z.object({
  name: z.string().describe('Its identity for life.'),
  changelog: z.string().describe('Its topic on the broker.'),
  key: format,
  value: format,
  retentionMs: z.number().nullable().describe('Null: kept until deleted.'),
  subTopology: z.number().int().describe('Whose tasks hold it.'),
})

const allowance = z.object({ rule: z.string(), of: z.string(), because: z.string() })

const topology = z.object({
  name: z.string().describe('The application id: consumer group and prefix of internal topics.'),
  topics: z.array(topic),
  stores: z.array(store),
  deadLetters: z.string().nullable().describe('The topic in which failed records are parked.'),
  subTopologies: z.array(z.object({ id: z.number().int(), sourceTopics: names, nodes: z.array(node) })),
  allow: z.array(allowance).describe('Findings of `sluice topology lint` that are as they should be.'),
})

/** A checker of the whole file; `z.toJSONSchema` of it is docs/topology.schema.json. */
export const topologyFile = z.object({
  schemaVersion: z.literal(documentVersion),
  topologies: z.array(topology),
})

export type FormatDocument = Readonly<z.infer<typeof format>>
export type NodeDocument = Readonly<z.infer<typeof node>>
export type TopicDocument = Readonly<z.infer<typeof topic>>
export type StoreDocument = Readonly<z.infer<typeof store>>
export type TopologyDocument = Readonly<z.infer<typeof topology>>
export type TopologyFile = Readonly<z.infer<typeof topologyFile>>

const formatOf = (of: Format<unknown>): FormatDocument => {
  if (isAvroFormat(of)) return { kind: 'avro', schema: of.schema as z.infer<ReturnType<typeof z.json>> }
  return of.name === undefined ? { kind: 'opaque' } : { kind: 'named', name: of.name }
}

const topicOf = (of: Topology, declared: GraphTopic): TopicDocument => ({
  name: declared.name,
  brokerName: brokerTopicName(of, declared.name),
  kind: declared.kind,
  key: formatOf(declared.key),
  value: formatOf(declared.value),
  partitions: declared.partitions ?? null,
  config: { ...declared.config },
  eventId: declared.eventId === undefined ? 'derived' : 'declared',
})

/**
 * Everything about a topology that can be written down: what other versions of it, pictures and rules are compared with.
 *
 * @example documentOf(orders).stores.map(({ changelog }) => changelog)
 */
export const documentOf = (of: Topology): TopologyDocument => {
  const described = describe(of)
  return {
    name: of.name,
    topics: [...of.topics.values()].map(declared => topicOf(of, declared)),
    stores: of.subTopologies.flatMap(({ id, stores }) =>
      stores.flatMap(name => {
        const declared = of.stores.get(name)
        if (declared === undefined) return []
        return [
          {
            name,
            changelog: changelogTopicName(of, name),
            key: formatOf(declared.key),
            value: formatOf(declared.value),
            retentionMs: declared.retentionMs ?? null,
            subTopology: id,
          },
        ]
      }),
    ),
    deadLetters: hasDeadLetters(of) ? deadLetterTopicName(of) : null,
    subTopologies: described.subTopologies.map(({ id, nodes }) => ({
      id,
      sourceTopics: [...(of.subTopologies.find(part => part.id === id)?.sourceTopics ?? [])],
      nodes: nodes.map(described => ({
        ...described,
        onFailure: policyOf(of, described.name),
        topics: [...described.topics],
        stores: [...described.stores],
        predecessors: [...described.predecessors],
        successors: [...described.successors],
      })),
    })),
    allow: of.allow.map(allowed => ({ ...allowed })),
  }
}

/** The file that `describe --format json` prints. */
export const fileOf = (topologies: readonly TopologyDocument[]): TopologyFile => ({
  schemaVersion: documentVersion,
  topologies: [...topologies],
})
