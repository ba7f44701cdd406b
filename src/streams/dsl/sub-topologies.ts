import type { GraphNode, SubTopology } from './graph.ts'

/** Union-find root with path halving. */
const rootOf = (parents: number[], id: number): number => {
  let node = id
  while (parents[node] !== node) {
    const grandparent = parents[parents[node] as number] as number
    parents[node] = grandparent
    node = grandparent
  }
  return node
}

const topicsOf = (node: GraphNode): readonly string[] => (node.kind === 'source' ? node.topics : [])
const storesOf = (node: GraphNode): readonly string[] => (node.kind === 'processor' ? node.stores : [])

/**
 * Groups nodes that must run in one task: those connected by an edge, a shared store or a shared source topic.
 * Groups are numbered in the order in which their first node was declared, as Kafka Streams does.
 */
export const splitSubTopologies = (nodes: readonly GraphNode[]): readonly SubTopology[] => {
  const union = nodes.map(node => node.id)
  const firstUse = new Map<string, number>()
  const join = (a: number, b: number): void => {
    union[rootOf(union, a)] = rootOf(union, b)
  }
  for (const node of nodes) {
    for (const parent of node.parents) join(node.id, parent)
    for (const shared of [
      ...topicsOf(node).map(t => `topic:${t}`),
      ...storesOf(node).map(s => `store:${s}`),
    ]) {
      const first = firstUse.get(shared)
      if (first === undefined) firstUse.set(shared, node.id)
      else join(node.id, first)
    }
  }
  const groups = new Map<number, GraphNode[]>()
  for (const node of nodes) {
    const root = rootOf(union, node.id)
    groups.set(root, [...(groups.get(root) ?? []), node])
  }
  return [...groups.values()].map((members, id) =>
    Object.freeze({
      id,
      nodes: members,
      sourceTopics: [...new Set(members.flatMap(topicsOf))],
      stores: [...new Set(members.flatMap(storesOf))],
    }),
  )
}
