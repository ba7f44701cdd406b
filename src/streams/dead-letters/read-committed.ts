import type { ConsumedRecord, Kafka, KafkaAdmin, OffsetPosition, TopicPartition } from '../../kafka/types.ts'

const recordsAtOnce = 500
const pollWaitMs = 500

const place = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`

/** What is committed in a topic: the first offset and the end of each partition, in the partitions' order. */
export interface Extent extends TopicPartition {
  readonly start: number
  readonly end: number
}

/** Where a topic begins and ends now, for a read-committed reader. */
export const extentsOf = async (admin: KafkaAdmin, topic: string): Promise<readonly Extent[]> => {
  const [described] = await admin.describeTopics([topic])
  const partitions = Array.from({ length: described?.partitions ?? 0 }, (_, partition) => ({
    topic,
    partition,
  }))
  const [starts, ends] = await Promise.all([
    admin.listOffsets(partitions, 'earliest'),
    admin.listOffsets(partitions, 'latest-committed'),
  ])
  const offsetIn = (positions: readonly OffsetPosition[], of: TopicPartition): number =>
    positions.find(position => place(position) === place(of))?.offset ?? 0
  return partitions.map(of => ({ ...of, start: offsetIn(starts, of), end: offsetIn(ends, of) }))
}

/** Every committed record of the extents, in pieces as they come; partitions are mixed, each in its own order. */
export async function* readCommitted(
  kafka: Kafka,
  extents: readonly Extent[],
): AsyncGenerator<readonly ConsumedRecord[]> {
  const ends = new Map(extents.map(extent => [place(extent), extent.end]))
  const open = extents.filter(({ start, end }) => start < end)
  if (open.length === 0) return
  const reader = kafka.reader()
  try {
    reader.assign(open.map(({ topic, partition, start }) => ({ topic, partition, offset: start })))
    while (open.some(of => (reader.position(of) ?? 0) < of.end)) {
      const records = await reader.poll(recordsAtOnce, pollWaitMs)
      // Written after the extents were taken: another look's affair.
      const known = records.filter(record => record.offset < (ends.get(place(record)) ?? 0))
      if (known.length > 0) yield known
    }
  } finally {
    await reader.close()
  }
}
