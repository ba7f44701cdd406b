import { offsetFetchV8 } from '@platformatic/kafka'
import { SluiceError } from '../../core/errors.ts'
import type { Brokers } from './brokers.ts'
import { readExtents, readRanges, type Range } from './raw-log.ts'
import { isCommitMarker, isControl, TransactionResolver } from './transactions.ts'

/** A group and the topics it must have read; topics it has committed offsets for are added. */
export interface WatchedGroup {
  readonly groupId: string
  readonly topics: readonly string[]
}

/** Above this the difference of offsets is told as it is; below, control and aborted records are read and left out. */
const exactBelow = 2_000

const committedOffsets = async (
  brokers: Brokers,
  groupId: string,
): Promise<Map<string, Map<number, number>>> => {
  const connection = await brokers.coordinator(groupId)
  const request = [{ groupId, memberId: null, memberEpoch: -1, topics: null }]
  // Not only stable ones: those are refused while a transaction is open, and an older offset only counts more lag.
  const { groups } = await offsetFetchV8.api.async(connection, request, false)
  const topics = new Map<string, Map<number, number>>()
  for (const { name, partitions } of groups.flatMap(group => group.topics)) {
    const offsets = partitions.map(
      partition => [partition.partitionIndex, Number(partition.committedOffset)] as const,
    )
    topics.set(name, new Map(offsets.filter(([, offset]) => offset >= 0)))
  }
  return topics
}

/** Records in the ranges that a read-committed consumer would be given. */
const countVisible = async (brokers: Brokers, ranges: readonly Range[]): Promise<number> => {
  const nameOf = (topic: string, partition: number): string => `${topic}-${partition}`
  const byPartition = new Map(
    ranges.map(({ topic, partition, from }) => [
      nameOf(topic, partition),
      { from, resolver: new TransactionResolver<number>() },
    ]),
  )
  await readRanges(brokers, ranges, (topic, partition, batch) => {
    const watched = byPartition.get(nameOf(topic, partition))
    if (watched === undefined) return
    if (isControl(batch)) {
      for (const { key } of batch.records)
        watched.resolver.mark(batch.producerId, isCommitMarker(key) === true)
      return
    }
    const offsets = batch.records.map(({ offsetDelta }) => Number(batch.firstOffset) + offsetDelta)
    watched.resolver.add(
      batch,
      offsets.filter(offset => offset >= watched.from),
    )
  })
  return [...byPartition.values()].reduce(
    (sum, { resolver }) => sum + resolver.committed.length + resolver.undecidedCount(),
    0,
  )
}

/**
 * Records that a group has still to read, open transactions included. Committed offsets are read before the ends, so
 * zero means that at that moment nothing was in flight. A commit marker behind the last record is no lag.
 */
export const readLag = async (brokers: Brokers, { groupId, topics }: WatchedGroup): Promise<number> => {
  const committed = await committedOffsets(brokers, groupId)
  const extents = await readExtents(brokers, [...new Set([...topics, ...committed.keys()])])
  const missing = topics.filter(topic => !extents.some(extent => extent.topic === topic))
  if (missing.length > 0) {
    throw new SluiceError({
      code: 'SLUICE_CHECK_NO_TOPIC',
      message: `group ${groupId} reads ${missing.join(', ')}, but there is no such topic`,
      remedy: 'start the workers once (`sluice run`), which create their topics, or name another Kafka',
    })
  }
  const behind = extents
    .map(({ topic, partition, start, end }) => ({
      topic,
      partition,
      from: Math.max(start, committed.get(topic)?.get(partition) ?? start),
      to: end,
    }))
    .filter(({ from, to }) => from < to)
  const difference = behind.reduce((sum, { from, to }) => sum + to - from, 0)
  return difference < exactBelow ? countVisible(brokers, behind) : difference
}
