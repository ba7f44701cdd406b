import { openKafka } from '../app/adapters.ts'
import type { KafkaAdmin } from '../kafka/types.ts'
import { brokerTopicName } from '../streams/dsl/graph.ts'
import type { Topology } from '../streams/dsl/index.ts'
import { renderTable } from './print.ts'
import { selectTopologies } from './select-topologies.ts'
import { loadSettings } from './settings.ts'

/** How far one consumer group is behind in one partition. */
export interface PartitionLag {
  readonly group: string
  readonly topic: string
  readonly partition: number
  /** The next offset the group will process; where nothing is committed yet, the partition's first. */
  readonly committed: number
  /** End of the log, of transactions that are still open too: what they have written is due as soon as they end. */
  readonly end: number
  readonly lag: number
}

/** The lag of each topology named (all when none is) in each topic it reads; topics that do not exist are left out. */
export const readLag = async (names: readonly string[]): Promise<readonly PartitionLag[]> => {
  const selected = selectTopologies(names)
  const kafka = openKafka(await loadSettings(['kafkaBrokers']), 'sluice-lag')
  const admin = kafka.admin()
  try {
    return (await Promise.all(selected.map(topology => lagOf(admin, topology)))).flat()
  } finally {
    await admin.close()
    await kafka.close()
  }
}

/** The lag of one topology, through an admin that is already open. */
export const lagOf = async (admin: KafkaAdmin, topology: Topology): Promise<PartitionLag[]> => {
  const sources = [...new Set(topology.subTopologies.flatMap(part => part.sourceTopics))].map(topic =>
    brokerTopicName(topology, topic),
  )
  const existing = new Set(await admin.listTopics())
  const topics = await admin.describeTopics(sources.filter(topic => existing.has(topic)))
  const partitions = topics.flatMap(({ name, partitions }) =>
    Array.from({ length: partitions }, (_, partition) => ({ topic: name, partition })),
  )
  if (partitions.length === 0) return []
  // Committed positions are read first: an end read later is never smaller, so a lag never comes out negative. The log's very end,
  // since a turn's offsets can be seen before the records of its transaction: between the two, everything would look done.
  const committed = await admin.committedOffsets(topology.name, partitions)
  const [first, end] = await Promise.all([
    admin.listOffsets(partitions, 'earliest'),
    admin.listOffsets(partitions, 'latest'),
  ])
  const offsetIn = (positions: typeof committed, topic: string, partition: number): number =>
    positions.find(position => position.topic === topic && position.partition === partition)?.offset ?? -1
  return partitions.map(({ topic, partition }) => {
    const stored = offsetIn(committed, topic, partition)
    const next = stored < 0 ? offsetIn(first, topic, partition) : stored
    const last = offsetIn(end, topic, partition)
    return {
      group: topology.name,
      topic,
      partition,
      committed: next,
      end: last,
      lag: Math.max(0, last - next),
    }
  })
}

/** The sum over all partitions. */
export const totalLag = (lags: readonly PartitionLag[]): number => lags.reduce((sum, { lag }) => sum + lag, 0)

/** A table with a row per partition, and the sum. */
export const renderLag = (lags: readonly PartitionLag[]): string => {
  if (lags.length === 0) return 'no topics yet: run `sluice migrate` first'
  const rows = lags.map(({ group, topic, partition, committed, end, lag }) => [
    group,
    topic,
    partition,
    committed,
    end,
    lag,
  ])
  const table = renderTable(['group', 'topic', 'partition', 'committed', 'end', 'lag'], rows)
  return `${table}\n\n${totalLag(lags)} records behind`
}
