import type { KafkaAdmin, TopicPartition } from '../../../kafka/types.ts'

/** All partitions of topics. Errors: SLUICE_KAFKA_UNKNOWN_TOPIC. */
export const partitionsOf = async (
  admin: Pick<KafkaAdmin, 'describeTopics'>,
  topics: readonly string[],
): Promise<TopicPartition[]> =>
  (await admin.describeTopics(topics)).flatMap(({ name, partitions }) =>
    Array.from({ length: partitions }, (_, partition) => ({ topic: name, partition })),
  )
