import type { OffsetPosition, TopicPartition } from './types.ts'

/** A map key; a topic's name cannot contain a colon. */
export const positionKey = ({ topic, partition }: TopicPartition): string => `${topic}:${partition}`

/** Grouped as most requests want them. */
export const partitionsByTopic = (
  partitions: readonly TopicPartition[],
): { name: string; partitions: number[] }[] =>
  [...Map.groupBy(partitions, ({ topic }) => topic)].map(([name, of]) => ({
    name,
    partitions: of.map(({ partition }) => partition),
  }))

/** Grouped as both offset commit requests want them. */
export const offsetsByTopic = (positions: readonly OffsetPosition[]) =>
  [...Map.groupBy(positions, ({ topic }) => topic)].map(([name, of]) => ({
    name,
    partitions: of.map(({ partition, offset, metadata = '' }) => ({
      partitionIndex: partition,
      committedOffset: BigInt(offset),
      committedLeaderEpoch: -1,
      committedMetadata: metadata,
    })),
  }))
