import { inJavaHashOrder } from './java-hash-order.ts'
import type { GraphNode, SubTopology, Topology } from '../dsl/graph.ts'

/** A visible node; plain operators are part of the edges. Neighbours are in Kafka Streams' order. */
export interface DescribedNode {
  readonly name: string
  readonly kind: 'source' | 'processor' | 'sink' | 'effect'
  readonly topics: readonly string[]
  readonly stores: readonly string[]
  /** The handler's name, and why it may run twice, of an effect. */
  readonly effect: { readonly name: string; readonly idempotent: string | null } | null
  readonly predecessors: readonly string[]
  readonly successors: readonly string[]
}

export interface DescribedSubTopology {
  readonly id: number
  readonly nodes: readonly DescribedNode[]
}

/** The topology as plain data, from which text, Mermaid and JSON are rendered. */
export interface TopologyDescription {
  readonly name: string
  readonly subTopologies: readonly DescribedSubTopology[]
}

type VisibleNode = Exclude<GraphNode, { readonly kind: 'operator' | 'merge' }>

interface MutableNode {
  readonly name: string
  readonly kind: DescribedNode['kind']
  readonly topics: readonly string[]
  readonly stores: readonly string[]
  readonly effect: DescribedNode['effect']
  size: number
  readonly predecessors: MutableNode[]
  readonly successors: MutableNode[]
}

// Kafka Streams sorts by the size of the sub-tree below a node, then by name.
const compareNodes = (a: MutableNode, b: MutableNode): number =>
  a.size === b.size ? (a.name < b.name ? -1 : Number(a.name > b.name)) : b.size - a.size

// Its neighbour sets are ordered by the sizes at the moment of insertion, which later growth does not change.
const insertSorted = (nodes: MutableNode[], node: MutableNode): void => {
  if (nodes.includes(node)) return
  const index = nodes.findIndex(other => compareNodes(node, other) < 0)
  nodes.splice(index === -1 ? nodes.length : index, 0, node)
}

const grow = (node: MutableNode, by: number): void => {
  node.size += by
  for (const predecessor of node.predecessors) grow(predecessor, by)
}

const undescribed = (node: VisibleNode): MutableNode => ({
  name: node.name,
  kind: node.kind,
  topics: node.kind === 'source' ? node.topics : node.kind === 'sink' ? [node.topic] : [],
  stores: node.kind === 'processor' ? node.stores.toSorted() : [],
  effect: node.kind === 'effect' ? { name: node.effect, idempotent: node.idempotent ?? null } : null,
  size: 1,
  predecessors: [],
  successors: [],
})

const visibleParents = (node: GraphNode, byId: ReadonlyMap<number, GraphNode>): readonly GraphNode[] =>
  node.parents.flatMap(id => {
    const parent = byId.get(id) as GraphNode
    return parent.kind === 'operator' || parent.kind === 'merge' ? visibleParents(parent, byId) : [parent]
  })

const describeSubTopology = (subTopology: SubTopology): DescribedSubTopology => {
  const byId = new Map(subTopology.nodes.map(node => [node.id, node]))
  const visible = subTopology.nodes.flatMap(node =>
    node.kind === 'operator' || node.kind === 'merge' ? [] : [[node, undescribed(node)] as const],
  )
  const described = new Map(visible.map(([node, mutable]) => [node.id, mutable]))
  for (const [node, mutable] of inJavaHashOrder(visible, ([{ name }]) => name)) {
    for (const parent of visibleParents(node, byId)) {
      const predecessor = described.get(parent.id) as MutableNode
      insertSorted(mutable.predecessors, predecessor)
      insertSorted(predecessor.successors, mutable)
      grow(predecessor, mutable.size)
    }
  }
  const nodes = [...described.values()].toSorted(compareNodes).map(node => ({
    name: node.name,
    kind: node.kind,
    topics: node.topics,
    stores: node.stores,
    effect: node.effect,
    predecessors: node.predecessors.map(other => other.name),
    successors: node.successors.map(other => other.name),
  }))
  return { id: subTopology.id, nodes }
}

/**
 * What a topology consists of, as data.
 *
 * @example describe(orders).subTopologies[0]?.nodes.map(node => node.name)
 */
export const describe = (topology: Topology): TopologyDescription => ({
  name: topology.name,
  subTopologies: topology.subTopologies.map(describeSubTopology),
})
