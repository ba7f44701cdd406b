import { SluiceError } from '../../core/errors.ts'
import type { KafkaAdmin, TopicSpec } from '../../kafka/types.ts'
import { deadLetterStatusTopicSpec } from '../dead-letters/status.ts'
import { deadLetterTopicName, hasDeadLetters } from '../dsl/failures.ts'
import { brokerTopicName, type Topology } from '../dsl/graph.ts'
import type { PartitionCounts } from './task-plan.ts'

const limitName = 'max.message.bytes'

// Room for what a dead letter says besides the record itself.
const letterBytes = 65_536

/** The `max.message.bytes` of topics, as far as this principal may know them. */
export const messageLimitsOf = async (
  admin: KafkaAdmin,
  topics: readonly string[],
): Promise<ReadonlyMap<string, number>> => {
  try {
    const limits = await admin.topicSetting(topics, limitName)
    return new Map([...limits].map(([topic, limit]) => [topic, Number(limit)]))
  } catch (error) {
    // Without the right to look, the broker's default is assumed.
    if (error instanceof SluiceError && error.code === 'SLUICE_KAFKA_NOT_AUTHORIZED') return new Map()
    throw error
  }
}

const sourceTopicsOf = (topology: Topology): readonly string[] =>
  topology.subTopologies.flatMap(({ sourceTopics }) =>
    sourceTopics.map(topic => brokerTopicName(topology, topic)),
  )

/**
 * The dead letter topic and the one of their status; none where the topology parks nothing. A dead letter lies in the partition of
 * the same number as its record, so there are as many as the largest source has, and it takes whatever a source takes.
 */
export const deadLetterTopicSpecs = (
  topology: Topology,
  counts: PartitionCounts,
  messageLimits: ReadonlyMap<string, number>,
): readonly TopicSpec[] => {
  if (!hasDeadLetters(topology)) return []
  const sources = sourceTopicsOf(topology)
  const limits = sources.flatMap(topic => messageLimits.get(topic) ?? [])
  return [
    {
      name: deadLetterTopicName(topology),
      partitions: Math.max(...sources.map(topic => counts.get(topic) ?? 1)),
      config: {
        'retention.ms': '-1',
        'retention.bytes': '-1',
        ...(limits.length === 0 ? {} : { [limitName]: String(Math.max(...limits) + letterBytes) }),
      },
    },
    deadLetterStatusTopicSpec(topology),
  ]
}
