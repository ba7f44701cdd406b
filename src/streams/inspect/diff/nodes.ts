import { isDeepStrictEqual } from 'node:util'
import type { NodeDocument, TopologyDocument } from '../document.ts'
import { note, type Finding } from './finding.ts'

const nodesOf = (topology: TopologyDocument): Map<string, NodeDocument> =>
  new Map(topology.subTopologies.flatMap(({ nodes }) => nodes.map(node => [node.name, node] as const)))

const compareNode = (old: NodeDocument, next: NodeDocument): Finding => {
  const changes: string[] = []
  if (old.kind !== next.kind) changes.push(`was a ${old.kind}, is a ${next.kind}`)
  if (old.effect?.name !== next.effect?.name && old.kind === next.kind)
    changes.push(`called ${old.effect?.name ?? 'nothing'}, calls ${next.effect?.name ?? 'nothing'}`)
  if (old.kind === 'sink' && next.kind === 'sink' && old.topics[0] !== next.topics[0])
    changes.push(`wrote ${old.topics[0] ?? ''}, writes ${next.topics[0] ?? ''}`)
  return changes.length === 0
    ? note('survives', 'node', old.name)
    : note('changed', 'node', old.name, changes.join('; '))
}

const goneNode = (old: NodeDocument): Finding =>
  note(
    'gone',
    'node',
    old.name,
    old.effect === null ? '' : `${old.effect.name} is no longer called`,
    old.effect === null ? null : 'before the change, wait until nothing is left for it to do (`sluice lag`)',
  )

const newNode = (next: NodeDocument, before: TopologyDocument, topology: TopologyDocument): Finding => {
  const place = topology.subTopologies.find(({ nodes }) => nodes.some(({ name }) => name === next.name))
  const readBefore = new Set(before.subTopologies.flatMap(({ sourceTopics }) => sourceTopics))
  const isJoining = place?.sourceTopics.every(topic => readBefore.has(topic)) === true
  const what = next.effect !== null && isJoining ? 'sees records from the committed offsets on' : ''
  return note('new', 'node', next.name, what)
}

/** What becomes of the nodes, by name. */
export const diffNodes = (before: TopologyDocument, after: TopologyDocument): Finding[] => {
  const [oldOnes, newOnes] = [nodesOf(before), nodesOf(after)]
  return [
    ...[...oldOnes.values()].map(old => {
      const next = newOnes.get(old.name)
      return next === undefined ? goneNode(old) : compareNode(old, next)
    }),
    ...[...newOnes.values()]
      .filter(({ name }) => !oldOnes.has(name))
      .map(next => newNode(next, before, after)),
  ]
}

/**
 * Workers name the graph in their group's protocol, so that those of two versions cannot share tasks: one is refused until the
 * others are gone.
 */
export const diffGraphs = (before: TopologyDocument, after: TopologyDocument): Finding[] => {
  const shapeOf = ({ subTopologies }: TopologyDocument): unknown =>
    subTopologies.map(({ id, nodes }) => [
      id,
      nodes.map(({ name, kind, topics, stores, effect }) => [name, kind, topics, stores, effect?.name]),
    ])
  if (isDeepStrictEqual(shapeOf(before), shapeOf(after))) return []
  const advice =
    'stop every worker of the former version before the first of the new one starts: no rolling restart'
  return [note('changed', 'topology', before.name, 'its graph is another', advice)]
}
