import { SluiceError } from '../core/errors.ts'
import { brokerTopicName, changelogTopicName, type SubTopology, type Topology } from '../streams/dsl/graph.ts'
import { shadowNameOf } from './names.ts'

/** A topology, or those of its sub-topologies that read the topics named. */
export interface ReplayPart {
  readonly topology: Topology
  /** Default: all sub-topologies. */
  readonly reading?: readonly string[]
}

const writtenBy = ({ nodes }: SubTopology): string[] =>
  nodes.flatMap(node => (node.kind === 'sink' ? [node.topic] : []))

/**
 * The same graph under another application id: what it writes goes to topics of its own, and what it reads is the live log, but
 * where it writes that topic itself. Operators, stores and formats are the live ones, down to their subjects.
 *
 * Errors: SLUICE_REPLAY_PART_INCOMPLETE.
 *
 * @example shadowTopology({ topology: orders, reading: ['stock-movement'] }, 'ledger')
 */
export const shadowTopology = ({ topology, reading }: ReplayPart, id: string): Topology => {
  const subTopologies =
    reading === undefined
      ? topology.subTopologies
      : topology.subTopologies.filter(({ sourceTopics }) => sourceTopics.some(name => reading.includes(name)))
  const read = new Set(subTopologies.flatMap(({ sourceTopics }) => sourceTopics))
  const written = new Set(subTopologies.flatMap(writtenBy))
  const stores = new Set(subTopologies.flatMap(part => part.stores))
  const isInternal = (name: string): boolean => topology.topics.get(name)?.kind === 'repartition'
  const cutOff = [...read].filter(name => isInternal(name) && !written.has(name))
  if (subTopologies.length === 0 || cutOff.length > 0) throw incomplete(topology.name, reading ?? [], cutOff)
  return Object.freeze({
    name: shadowNameOf(topology.name, id),
    subTopologies,
    topics: new Map([...topology.topics].filter(([name]) => read.has(name) || written.has(name))),
    stores: new Map([...topology.stores].filter(([name]) => stores.has(name))),
    failures: topology.failures,
    allow: topology.allow,
    shadow: { of: topology.name, topics: new Set([...written].filter(name => !isInternal(name))) },
  })
}

/** Topics that a shadow reads, by their names on the broker: of others, and its own. */
export interface ShadowInputs {
  readonly live: readonly string[]
  readonly own: readonly string[]
}

/** What a shadow reads. */
export const inputsOf = (shadow: Topology): ShadowInputs => {
  const sources = [...new Set(shadow.subTopologies.flatMap(({ sourceTopics }) => sourceTopics))]
  const isOwn = (name: string): boolean => brokerTopicName(shadow, name) !== name
  return {
    live: sources.filter(name => !isOwn(name)),
    own: sources.filter(isOwn).map(name => brokerTopicName(shadow, name)),
  }
}

/** Something that both have: its name in the graph, and where either keeps it on the broker. */
export interface Counterpart {
  readonly name: string
  readonly live: string
  readonly shadow: string
}

/** Topics of others that a shadow has in a place of its own; what lies in them can be compared. */
export const topicCounterparts = (shadow: Topology): readonly Counterpart[] =>
  [...(shadow.shadow?.topics ?? [])].map(name => ({
    name,
    live: name,
    shadow: brokerTopicName(shadow, name),
  }))

/** The changelogs of a shadow's stores, and of the live ones. */
export const storeCounterparts = (shadow: Topology): readonly Counterpart[] =>
  [...shadow.stores.keys()].map(name => ({
    name,
    live: changelogTopicName({ name: shadow.shadow?.of ?? shadow.name }, name),
    shadow: changelogTopicName(shadow, name),
  }))

/** Whether state before the first record read is part of the result. */
export const isStateful = (shadow: Topology): boolean => shadow.stores.size > 0

const incomplete = (topology: string, reading: readonly string[], cutOff: readonly string[]): SluiceError =>
  new SluiceError({
    code: 'SLUICE_REPLAY_PART_INCOMPLETE',
    message:
      cutOff.length === 0
        ? `no part of ${topology} reads ${reading.join(', ')}`
        : `the part of ${topology} that reads ${reading.join(', ')} also reads ${cutOff.join(', ')}, which another part writes`,
    remedy: 'replay the parts together, or name topics that begin a part',
    details: { topology, reading, cutOff },
  })
