import { fetchV13, listOffsetsV7, type Connection, type RecordsBatch } from '@platformatic/kafka'
import { messageOf, SluiceError } from '../../core/errors.ts'
import type { Brokers, PartitionLeader } from './brokers.ts'

/** Part of a partition to read, `from` inclusive, `to` exclusive. */
export interface Range {
  readonly topic: string
  readonly partition: number
  readonly from: number
  readonly to: number
}

export type BatchListener = (topic: string, partition: number, batch: RecordsBatch) => Promise<void> | void

const latest = -1n
const earliest = -2n
const readUncommitted = 0
const readCommitted = 1
const requestBytes = 16 * 1024 * 1024
const partitionBytes = 4 * 1024 * 1024
const waitMs = 250
const noSession = 0
const finalEpoch = -1

const nameOf = (topic: string, partition: number): string => `${topic}-${partition}`

const byLeader = (leaders: readonly PartitionLeader[]): Map<number, PartitionLeader[]> => {
  const groups = new Map<number, PartitionLeader[]>()
  for (const leader of leaders) groups.set(leader.leaderId, [...(groups.get(leader.leaderId) ?? []), leader])
  return groups
}

const listOffsets = async (
  brokers: Brokers,
  leaders: readonly PartitionLeader[],
  isolation: number,
  timestamp: bigint,
): Promise<Map<string, number>> => {
  const offsets = new Map<string, number>()
  for (const [nodeId, led] of byLeader(leaders)) {
    const topics = led.map(({ topic, partition }) => ({
      name: topic,
      partitions: [{ partitionIndex: partition, currentLeaderEpoch: -1, timestamp }],
    }))
    const response = await listOffsetsV7.api.async(await brokers.broker(nodeId), -1, isolation, topics)
    for (const { name, partitions } of response.topics) {
      for (const { partitionIndex, offset } of partitions)
        offsets.set(nameOf(name, partitionIndex), Number(offset))
    }
  }
  return offsets
}

/** First offset, last stable offset and end of each partition. They differ at the end while a transaction is open. */
export interface Extent {
  readonly topic: string
  readonly partition: number
  readonly start: number
  readonly stable: number
  readonly end: number
}

/** Extents of all partitions of the topics that exist. */
export const readExtents = async (brokers: Brokers, topics: readonly string[]): Promise<Extent[]> => {
  const leaders = await brokers.leaders(topics)
  const start = await listOffsets(brokers, leaders, readUncommitted, earliest)
  const stable = await listOffsets(brokers, leaders, readCommitted, latest)
  const end = await listOffsets(brokers, leaders, readUncommitted, latest)
  return leaders.map(({ topic, partition }) => {
    const name = nameOf(topic, partition)
    return {
      topic,
      partition,
      start: start.get(name) ?? 0,
      stable: stable.get(name) ?? 0,
      end: end.get(name) ?? 0,
    }
  })
}

const fetchOnce = async (
  connection: Connection,
  led: readonly PartitionLeader[],
  positions: ReadonlyMap<string, number>,
): Promise<{ topicId: string; partition: number; batches: RecordsBatch[] }[]> => {
  const topics = led.map(({ topic, topicId, partition }) => ({
    topicId,
    partitions: [
      {
        partition,
        currentLeaderEpoch: -1,
        fetchOffset: BigInt(positions.get(nameOf(topic, partition)) ?? 0),
        lastFetchedEpoch: -1,
        partitionMaxBytes: partitionBytes,
      },
    ],
  }))
  const response = await fetchV13.api.async(
    connection,
    waitMs,
    1,
    requestBytes,
    readUncommitted,
    noSession,
    finalEpoch,
    topics,
    [],
    '',
  )
  return response.responses.flatMap(({ topicId, partitions }) =>
    partitions.map(({ partitionIndex, records }) => ({
      topicId,
      partition: partitionIndex,
      batches: records ?? [],
    })),
  )
}

/**
 * Reads the ranges as they lie on the brokers: read-uncommitted, with control batches, in offset order per partition.
 * Batches are given whole, so the first may begin before `from`.
 */
export const readRanges = async (
  brokers: Brokers,
  ranges: readonly Range[],
  onBatch: BatchListener,
  signal?: AbortSignal,
): Promise<void> => {
  const leaders = await brokers.leaders([...new Set(ranges.map(range => range.topic))])
  const ends = new Map(ranges.map(range => [nameOf(range.topic, range.partition), range.to]))
  const positions = new Map(ranges.map(range => [nameOf(range.topic, range.partition), range.from]))
  const unfinished = ({ topic, partition }: PartitionLeader): boolean => {
    const name = nameOf(topic, partition)
    return (positions.get(name) ?? 0) < (ends.get(name) ?? 0)
  }
  const readBroker = async (nodeId: number, led: readonly PartitionLeader[]): Promise<void> => {
    const topicNames = new Map(led.map(({ topicId, topic }) => [topicId, topic]))
    for (let open = led.filter(unfinished); open.length > 0; open = open.filter(unfinished)) {
      signal?.throwIfAborted()
      for (const { topicId, partition, batches } of await fetchOnce(
        await brokers.broker(nodeId),
        open,
        positions,
      )) {
        const topic = topicNames.get(topicId) ?? topicId
        const name = nameOf(topic, partition)
        for (const batch of batches) {
          if (Number(batch.firstOffset) >= (ends.get(name) ?? 0)) break
          await onBatch(topic, partition, batch)
          positions.set(name, Number(batch.firstOffset) + batch.lastOffsetDelta + 1)
        }
      }
    }
  }
  try {
    await Promise.all([...byLeader(leaders)].map(([nodeId, led]) => readBroker(nodeId, led)))
  } catch (error) {
    if (error instanceof SluiceError || signal?.aborted === true) throw error
    throw new SluiceError({
      code: 'SLUICE_CHECK_LOG_UNREADABLE',
      message: `cannot read ${[...new Set(ranges.map(range => range.topic))].join(', ')}: ${messageOf(error)}`,
      remedy: 'see that Kafka is up and its partitions have leaders, then run the check again',
      reaction: 'retry',
      cause: error,
    })
  }
}
