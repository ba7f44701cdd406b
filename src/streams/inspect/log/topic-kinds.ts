import { deadLetterStatusTopicName, deadLetterTopicName, hasDeadLetters } from '../../dsl/failures.ts'
import { brokerTopicName, changelogTopicName, type Topology } from '../../dsl/graph.ts'

/** What a topic is to the application; `other` is none of its topologies'. */
export type TopicKind = 'event' | 'repartition' | 'changelog' | 'dlq' | 'dlq-status' | 'other'

/** A topic that topologies name, and which of them. */
export interface KnownTopic {
  readonly kind: TopicKind
  readonly topologies: readonly string[]
}

const namesOf = (topology: Topology): readonly (readonly [string, TopicKind])[] => [
  ...[...topology.topics.values()].map(
    ({ name, kind }) =>
      [brokerTopicName(topology, name), kind === 'external' ? 'event' : 'repartition'] as const,
  ),
  ...[...topology.stores.keys()].map(store => [changelogTopicName(topology, store), 'changelog'] as const),
  ...(hasDeadLetters(topology)
    ? ([
        [deadLetterTopicName(topology), 'dlq'],
        [deadLetterStatusTopicName(topology), 'dlq-status'],
      ] as const)
    : []),
]

/**
 * What each topic of topologies is, by its name on the broker.
 *
 * @example topicKinds([orders]).get('orders-dlq') // { kind: 'dlq', topologies: ['orders'] }
 */
export const topicKinds = (topologies: readonly Topology[]): ReadonlyMap<string, KnownTopic> => {
  const known = new Map<string, KnownTopic>()
  for (const topology of topologies) {
    for (const [name, kind] of namesOf(topology)) {
      const users = known.get(name)?.topologies ?? []
      known.set(name, { kind, topologies: [...users, topology.name] })
    }
  }
  return known
}
