import type { ConsumedRecord, Kafka, KafkaAdmin, TopicPartition } from '../kafka/types.ts'

/**
 * Reads one partition piece by piece, from its start to its end as of the call. Transactions open there are waited for: offsets can be
 * seen to be committed a moment before the records that were committed with them.
 */
export interface PartitionScan {
  /** The next records; undefined at the end. */
  next(): Promise<readonly ConsumedRecord[] | undefined>
  close(): Promise<void>
}

export const scanPartition = async (
  kafka: Kafka,
  admin: KafkaAdmin,
  place: TopicPartition,
): Promise<PartitionScan> => {
  const [start, end] = await Promise.all([
    admin.listOffsets([place], 'earliest'),
    admin.listOffsets([place], 'latest'),
  ])
  const endOffset = end[0]?.offset ?? 0
  const reader = kafka.reader({ maxBytes: 4 * 1024 * 1024 })
  reader.assign([{ ...place, offset: start[0]?.offset ?? 0 }])
  return {
    next: async () => {
      while ((reader.position(place) ?? 0) < endOffset) {
        const records = (await reader.poll(2_000, 200)).filter(({ offset }) => offset < endOffset)
        if (records.length > 0) return records
      }
      return undefined
    },
    close: () => reader.close(),
  }
}
