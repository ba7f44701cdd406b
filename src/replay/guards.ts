import { SluiceError } from '../core/errors.ts'
import { deadLetterStatusTopicName, deadLetterTopicName } from '../streams/dsl/failures.ts'
import { brokerTopicName, changelogTopicName, type Topology } from '../streams/dsl/graph.ts'
import { isTopicOf, planTopicOf } from './names.ts'

/** Every topic that running a topology may write to, on the broker. */
export const writtenTopics = (topology: Topology): readonly string[] => {
  const sinks = topology.subTopologies.flatMap(({ nodes }) =>
    nodes.flatMap(node => (node.kind === 'sink' ? [brokerTopicName(topology, node.topic)] : [])),
  )
  const changelogs = [...topology.stores.keys()].map(store => changelogTopicName(topology, store))
  return [
    ...new Set([...sinks, ...changelogs, deadLetterTopicName(topology), deadLetterStatusTopicName(topology)]),
  ]
}

/**
 * Throws unless everything that a shadow writes, and its group, is its own: the last line of defence of live topics, whatever
 * made the shadow. Errors: SLUICE_REPLAY_NAME_TAKEN.
 */
export const requireOwnNames = (shadow: Topology, live: readonly Topology[]): void => {
  const foreign = writtenTopics(shadow).filter(topic => !isTopicOf(shadow.name, topic))
  if (foreign.length > 0) throw nameTaken(shadow.name, foreign)
  const liveNames = new Set(
    live.flatMap(topology => [
      topology.name,
      ...topology.topics.keys(),
      ...writtenTopics(topology),
      ...topology.subTopologies.flatMap(({ sourceTopics }) =>
        sourceTopics.map(name => brokerTopicName(topology, name)),
      ),
    ]),
  )
  const taken = [shadow.name, planTopicOf(shadow.name), ...writtenTopics(shadow)].filter(name =>
    liveNames.has(name),
  )
  if (taken.length > 0) throw nameTaken(shadow.name, taken)
}

/** Throws where something that no replay made bears a name that this one would write to. Errors: SLUICE_REPLAY_NAME_TAKEN. */
export const requireFreeNames = (shadowName: string, existingTopics: readonly string[]): void => {
  const taken = existingTopics.filter(topic => isTopicOf(shadowName, topic))
  if (taken.length > 0) throw nameTaken(shadowName, taken)
}

export const nameTaken = (shadowName: string, names: readonly string[]): SluiceError =>
  new SluiceError({
    code: 'SLUICE_REPLAY_NAME_TAKEN',
    message: `the replay ${shadowName} would write to what is not its own: ${names.join(', ')}`,
    remedy: 'give it another --id; nothing was written',
    details: { shadow: shadowName, names },
  })
