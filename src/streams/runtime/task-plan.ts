import { SluiceError } from '../../core/errors.ts'
import type { TopicPartition, TopicSpec } from '../../kafka/types.ts'
import { brokerTopicName, changelogTopicName, type SubTopology, type Topology } from '../dsl/graph.ts'
import { taskIdOf } from '../engine/task.ts'

/** One task that exists: what it reads, and which changelog partitions hold its state. */
export interface PlannedTask {
  readonly id: string
  readonly subTopology: SubTopology
  readonly partition: number
  readonly inputs: readonly TopicPartition[]
  readonly changelogs: readonly {
    readonly store: string
    readonly topic: string
    readonly partition: number
  }[]
}

/** Partition counts by broker topic name. */
export type PartitionCounts = ReadonlyMap<string, number>

const countOf = (counts: PartitionCounts, topic: string): number => {
  const count = counts.get(topic)
  if (count === undefined) {
    throw new SluiceError({
      code: 'SLUICE_STREAMS_TOPIC_MISSING',
      message: `topic ${topic} does not exist`,
      remedy: 'run: sluice migrate   (it creates every topic of the application)',
      details: { topic },
    })
  }
  return count
}

const writersOf = (topology: Topology, topic: string): readonly SubTopology[] =>
  topology.subTopologies.filter(({ nodes }) =>
    nodes.some(node => node.kind === 'sink' && node.topic === topic),
  )

/**
 * Partition counts of the repartition topics: as the topics they are read together with, so that tasks stay co-partitioned;
 * else as many as the inputs of the sub-topology that writes them. Errors: SLUICE_STREAMS_TOPIC_MISSING.
 */
export const withRepartitionCounts = (topology: Topology, external: PartitionCounts): PartitionCounts => {
  const counts = new Map(external)
  const countFor = (name: string): number => {
    const brokerName = brokerTopicName(topology, name)
    const known = counts.get(brokerName)
    if (known !== undefined) return known
    if (topology.topics.get(name)?.kind === 'external') return countOf(counts, brokerName)
    const neighbours = topology.subTopologies
      .filter(({ sourceTopics }) => sourceTopics.includes(name))
      .flatMap(({ sourceTopics }) => sourceTopics)
      .filter(other => topology.topics.get(other)?.kind === 'external')
    const models =
      neighbours.length > 0 ? neighbours : writersOf(topology, name).flatMap(writer => writer.sourceTopics)
    const count = Math.max(...models.map(countFor))
    counts.set(brokerName, count)
    return count
  }
  for (const name of topology.topics.keys()) countFor(name)
  return counts
}

/** Repartition and changelog topics with their settings; the engine creates what is missing. */
export const internalTopicSpecs = (topology: Topology, counts: PartitionCounts): readonly TopicSpec[] => {
  const repartitions = [...topology.topics.values()]
    .filter(topic => topic.kind === 'repartition')
    .map(topic => {
      const name = brokerTopicName(topology, topic.name)
      return { name, partitions: countOf(counts, name), config: topic.config }
    })
  const changelogs = topology.subTopologies.flatMap(subTopology =>
    subTopology.stores.map(store => ({
      name: changelogTopicName(topology, store),
      partitions: taskCount(topology, subTopology, counts),
      // Never deleted by time: the broker's clock knows neither stream time nor what has ended. What a store forgets, it deletes.
      config: { 'cleanup.policy': 'compact' },
    })),
  )
  return [...repartitions, ...changelogs]
}

const taskCount = (topology: Topology, subTopology: SubTopology, counts: PartitionCounts): number => {
  const topics = subTopology.sourceTopics.map(name => brokerTopicName(topology, name))
  const topicCounts = topics.map(topic => countOf(counts, topic))
  if (subTopology.stores.length > 0 && new Set(topicCounts).size > 1) {
    throw new SluiceError({
      code: 'SLUICE_STREAMS_NOT_COPARTITIONED',
      message: `sub-topology ${subTopology.id} of ${topology.name} keeps state over topics with unequal partition counts: ${topics.map((topic, index) => `${topic} has ${topicCounts[index]}`).join(', ')}`,
      remedy: 'create them with equal counts, or send one of them through repartition(…)',
      details: { topology: topology.name, topics },
    })
  }
  return Math.max(...topicCounts)
}

/** Every task of the topology. Errors: SLUICE_STREAMS_TOPIC_MISSING, SLUICE_STREAMS_NOT_COPARTITIONED. */
export const planTasks = (topology: Topology, counts: PartitionCounts): readonly PlannedTask[] =>
  topology.subTopologies.flatMap(subTopology => {
    const topics = subTopology.sourceTopics.map(name => brokerTopicName(topology, name))
    return Array.from({ length: taskCount(topology, subTopology, counts) }, (_, partition) => ({
      id: taskIdOf(subTopology.id, partition),
      subTopology,
      partition,
      inputs: topics.filter(topic => partition < countOf(counts, topic)).map(topic => ({ topic, partition })),
      changelogs: subTopology.stores.map(store => ({
        store,
        topic: changelogTopicName(topology, store),
        partition,
      })),
    }))
  })
