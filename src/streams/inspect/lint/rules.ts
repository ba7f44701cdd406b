import type { TopologyDocument } from '../document.ts'

/** Something a rule objects to, in one topology. */
export interface LintProblem {
  /** The name of the node, store or topic; what an allowance names. */
  readonly of: string
  readonly message: string
}

/** A rule of `sluice topology lint`. */
export interface LintRule {
  readonly id: string
  /** What it asks for, and why. */
  readonly reason: string
  readonly remedy: string
  /** `all` holds every topology that is known, the examined one among them. */
  readonly find: (topology: TopologyDocument, all: readonly TopologyDocument[]) => readonly LintProblem[]
}

const stateful = (topology: TopologyDocument): TopologyDocument['subTopologies'] =>
  topology.subTopologies.filter(({ id }) => topology.stores.some(({ subTopology }) => subTopology === id))

const internalTopics = (topology: TopologyDocument): string[] => [
  ...topology.stores.map(({ changelog }) => changelog),
  ...topology.topics.flatMap(({ kind, brokerName }) => (kind === 'repartition' ? [brokerName] : [])),
]

const externalTopics = (topology: TopologyDocument): string[] =>
  topology.topics.flatMap(({ kind, brokerName }) => (kind === 'external' ? [brokerName] : []))

const longestTopicName = 249

const saysNothing =
  /^(map|filter|merge|step|process|processor|aggregate|reduce|dedupe|store|state|data|table|sink|out|output|effect|source|input|topic|node|flow|stream|test|tmp|temp|foo|bar|app|application|my-.*)?[-_.]?\d*$|^.$/i

const genericName: LintRule = {
  id: 'generic-name',
  reason:
    'a name is an identity for life, of state and topics too; one that says nothing cannot be told from the next',
  remedy: 'name it after what it does or holds',
  find: ({ name, subTopologies, stores }) => {
    const nodes = subTopologies.flatMap(({ nodes }) => nodes.filter(({ kind }) => kind !== 'source'))
    const names = [name, ...nodes.map(node => node.name), ...stores.map(store => store.name)]
    return [...new Set(names)]
      .filter(candidate => saysNothing.test(candidate))
      .map(of => ({ of, message: `the name "${of}" says nothing` }))
  },
}

const longName: LintRule = {
  id: 'long-name',
  reason: `Kafka refuses topic names above ${longestTopicName} characters, when the worker starts`,
  remedy: 'shorten the name of the topology, the store or the repartition',
  find: topology =>
    [...internalTopics(topology), ...externalTopics(topology)]
      .filter(topic => topic.length > longestTopicName)
      .map(of => ({ of, message: `the topic ${of} has ${of.length} characters` })),
}

const nameClash: LintRule = {
  id: 'name-clash',
  reason: 'two owners of one changelog or repartition topic overwrite each other, and nothing else notices',
  remedy: 'rename the store, the repartition or one of the topologies',
  find: (topology, all) => {
    const mine = internalTopics(topology)
    const twice = mine.filter((topic, index) => mine.indexOf(topic) !== index)
    const ofOthers = all.flatMap(other => [
      ...externalTopics(other),
      ...(other.name === topology.name ? [] : internalTopics(other)),
    ])
    return [...new Set([...twice, ...mine.filter(topic => ofOthers.includes(topic))])].map(of => ({
      of,
      message: `the internal topic ${of} has another owner, too`,
    }))
  },
}

const unboundedState: LintRule = {
  id: 'unbounded-state',
  reason: 'a store without retention grows with every new key, in memory and in its changelog',
  remedy:
    'give the store retentionMs; where its keys are bounded (products, not orders), allow it and say by what',
  find: ({ stores }) =>
    stores
      .filter(({ retentionMs }) => retentionMs === null)
      .map(({ name }) => ({ of: name, message: `the store ${name} forgets nothing` })),
}

const ownInput: LintRule = {
  id: 'own-input',
  reason: 'a sub-topology that writes a topic it reads feeds itself: one record can go round for ever',
  remedy: 'write to another topic; where the loop ends by itself, allow it and say why it ends',
  find: ({ subTopologies }) =>
    subTopologies.flatMap(({ id, nodes, sourceTopics }) =>
      nodes
        .filter(({ kind, topics }) => kind === 'sink' && topics.some(topic => sourceTopics.includes(topic)))
        .map(({ name, topics }) => ({
          of: name,
          message: `${name} writes ${topics.join(', ')}, which sub-topology ${id} reads`,
        })),
    ),
}

const noSchema: LintRule = {
  id: 'no-schema',
  reason: 'values without a registered schema cannot be checked for compatibility when they change',
  remedy: 'use avroFormat, or a well-known format with a name',
  find: ({ topics, stores }) => [
    ...topics
      .filter(({ value }) => value.kind === 'opaque')
      .map(({ brokerName }) => ({ of: brokerName, message: `values of ${brokerName} have no schema` })),
    ...stores
      .filter(({ value }) => value.kind === 'opaque')
      .map(({ name }) => ({ of: name, message: `values of the store ${name} have no schema` })),
  ],
}

const effectRepeats: LintRule = {
  id: 'effect-repeats',
  reason: 'an effect runs before its turn is committed, so it runs again after a crash',
  remedy: "say why that is harmless: effect(name, { idempotent: '…' })",
  find: ({ subTopologies }) =>
    subTopologies
      .flatMap(({ nodes }) => nodes)
      .filter(({ effect }) => effect !== null && (effect.idempotent ?? '').trim() === '')
      .map(({ name }) => ({ of: name, message: `nothing says why ${name} may run twice` })),
}

const inputNotKept: LintRule = {
  id: 'input-not-kept',
  reason: 'state is rebuilt from its input topics; what the broker has deleted is missing from it then',
  remedy: 'declare the topic with retention.ms = -1 and cleanup.policy = delete (the default of topic(…))',
  find: topology => {
    const read = new Set(stateful(topology).flatMap(({ sourceTopics }) => sourceTopics))
    return topology.topics
      .filter(({ name }) => read.has(name))
      .filter(
        ({ config }) =>
          config['retention.ms'] !== '-1' || (config['cleanup.policy'] ?? 'delete') !== 'delete',
      )
      .map(({ brokerName }) => ({
        of: brokerName,
        message: `state is built from ${brokerName}, whose records are not kept`,
      }))
  },
}

const copartitioned: LintRule = {
  id: 'not-copartitioned',
  reason:
    'state over several topics needs equal keys in equal partitions; with other counts or key formats they never meet',
  remedy: 'declare equal partition counts and key formats, or send one of them through repartition(…)',
  find: topology =>
    stateful(topology).flatMap(({ id, sourceTopics }) => {
      const topics = topology.topics.filter(({ name }) => sourceTopics.includes(name))
      const counts = new Set(topics.flatMap(({ partitions }) => partitions ?? []))
      const keys = new Set(topics.map(({ key }) => JSON.stringify(key)))
      const names = topics.map(({ brokerName }) => brokerName)
      return [
        ...(counts.size > 1 ? ['partition counts'] : []),
        ...(keys.size > 1 ? ['key formats'] : []),
      ].map(what => ({
        of: names.join('+'),
        message: `sub-topology ${id} keeps state over ${names.join(' and ')}, whose ${what} differ`,
      }))
    }),
}

const idleRepartition: LintRule = {
  id: 'idle-repartition',
  reason:
    'a repartition costs a topic and a second reading; before a mere sink it buys nothing, for a sink places by key itself',
  remedy: 'end the flow with to(…) directly',
  find: topology =>
    topology.subTopologies.flatMap(({ nodes, id }) => {
      const isIdle =
        !topology.stores.some(({ subTopology }) => subTopology === id) &&
        !nodes.some(({ kind }) => kind === 'effect')
      if (!isIdle) return []
      return nodes
        .filter(({ kind }) => kind === 'source')
        .flatMap(({ topics }) => topics)
        .filter(name => topology.topics.some(topic => topic.name === name && topic.kind === 'repartition'))
        .map(of => ({ of, message: `what is read from ${of} has neither state nor effect` }))
    }),
}

/**
 * All rules. None asks whether a key was changed without a repartition: that does not compile, and in the graph, where operators
 * are functions, it could only be guessed.
 */
export const lintRules: readonly LintRule[] = [
  genericName,
  longName,
  nameClash,
  unboundedState,
  ownInput,
  noSchema,
  effectRepeats,
  inputNotKept,
  copartitioned,
  idleRepartition,
]
