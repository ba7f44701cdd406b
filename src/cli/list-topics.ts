import { relaySettings } from '../cdc/options.ts'
import { topicKinds, type TopicKind } from '../streams/inspect/log/topic-kinds.ts'
import { topologies } from '../../topology/index.ts'
import { formatCount } from './format.ts'
import { sizeOf } from './inspect-state.ts'
import { withLogs } from './inspect.ts'
import { renderTable } from './print.ts'

/** A topic of the cluster, and what it is to the application. */
export interface ListedTopic {
  readonly topic: string
  readonly kind: TopicKind | 'relay-position'
  /** Which topologies read, write or own it. */
  readonly topologies: readonly string[]
  readonly partitions: number
  /** Committed offsets that it holds: its records, and the markers between them. */
  readonly offsets: number
}

const kindOrder = ['event', 'repartition', 'changelog', 'dlq', 'dlq-status', 'relay-position', 'other']

/** All topics of the cluster, by kind. */
export const listTopics = (): Promise<readonly ListedTopic[]> =>
  withLogs(async ({ admin }) => {
    const kinds = topicKinds(Object.values(topologies))
    const position = relaySettings({ postgresUrl: '' }).positionTopic
    const listed = await Promise.all(
      (await admin.listTopics()).map(async (topic): Promise<ListedTopic> => {
        const known = kinds.get(topic)
        const kind = known?.kind ?? (topic === position ? 'relay-position' : 'other')
        return { topic, kind, topologies: known?.topologies ?? [], ...(await sizeOf(admin, topic)) }
      }),
    )
    return listed.sort(
      (left, right) =>
        kindOrder.indexOf(left.kind) - kindOrder.indexOf(right.kind) || (left.topic < right.topic ? -1 : 1),
    )
  })

/** A table with a row per topic. */
export const renderTopics = (topics: readonly ListedTopic[]): string => {
  if (topics.length === 0) return 'no topics yet: run `sluice migrate` first'
  const rows = topics.map(({ kind, offsets, partitions, topic, topologies: users }) => [
    topic,
    kind,
    partitions,
    formatCount(offsets).padStart(9),
    users.join(', '),
  ])
  return renderTable(['topic', 'kind', 'partitions', '  offsets', 'topologies'], rows)
}
