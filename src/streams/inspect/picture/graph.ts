import type { NodeDocument, TopologyDocument } from '../document.ts'

/** What a shape stands for. */
export type ShapeKind = 'topic' | 'repartition' | 'step' | 'store' | 'sink' | 'effect'

export interface PictureNode {
  /** Unique, of letters, digits and underscores. */
  readonly id: string
  readonly kind: ShapeKind
  readonly label: string
  /** A sentence for whoever points at it, or cannot see it. */
  readonly about: string
  /** The box it lies in; topics lie between the boxes. */
  readonly box: string | undefined
}

export interface PictureBox {
  readonly id: string
  readonly label: string
  readonly about: string
}

/** `state` joins a step and its store, the others go the way of the records. */
export interface PictureEdge {
  readonly from: string
  readonly to: string
  readonly kind: 'record' | 'state'
}

/** One or several topologies as boxes, nodes and lines: what Mermaid, DOT and SVG are made of. */
export interface PictureGraph {
  readonly title: string
  readonly boxes: readonly PictureBox[]
  readonly nodes: readonly PictureNode[]
  readonly edges: readonly PictureEdge[]
}

const listed = (names: readonly string[]): string => (names.length === 0 ? 'nothing' : names.join(', '))

const dayMs = 86_400_000

/** How long a store remembers, in words. */
export const retentionText = (retentionMs: number | null): string => {
  if (retentionMs === null) return 'kept until deleted'
  return retentionMs % dayMs === 0 ? `kept ${retentionMs / dayMs} days` : `kept ${retentionMs} ms`
}

const kindOf = { processor: 'step', sink: 'sink', effect: 'effect' } as const

const aboutNode = (node: NodeDocument): string => {
  if (node.kind === 'sink') return `sink ${node.name}: writes ${listed(node.topics)}`
  if (node.effect === null) return `step ${node.name}`
  const { name, idempotent } = node.effect
  return `effect ${node.name}: calls ${name}${idempotent === null ? '' : `; may run twice: ${idempotent}`}`
}

/** Gives each name an id of its own, whatever characters it has. */
const idMaker = (): ((prefix: string, name: string) => string) => {
  const taken = new Set<string>()
  const known = new Map<string, string>()
  return (prefix, name) => {
    const key = `${prefix}|${name}`
    const given = known.get(key)
    if (given !== undefined) return given
    const base = `${prefix}_${name.replaceAll(/[^a-zA-Z0-9]/g, '_')}`
    let id = base
    for (let count = 2; taken.has(id); count++) id = `${base}_${count}`
    taken.add(id)
    known.set(key, id)
    return id
  }
}

/**
 * The picture of topologies, those that share topics joined by them. Sources are not drawn: an arrow from the topic says the same.
 *
 * @example pictureOf([documentOf(orders)]).boxes.length // sub-topologies
 */
export const pictureOf = (topologies: readonly TopologyDocument[]): PictureGraph => {
  const idOf = idMaker()
  const boxes: PictureBox[] = []
  const nodes = new Map<string, PictureNode>()
  const edges = new Map<string, PictureEdge>()
  const add = (edge: PictureEdge): void => void edges.set(`${edge.from} ${edge.to}`, edge)

  for (const topology of topologies) {
    const topicNode = (name: string): string => {
      const topic = topology.topics.find(topic => topic.name === name)
      const label = topic?.brokerName ?? name
      const id = idOf('topic', label)
      const kind = topic?.kind === 'repartition' ? 'repartition' : 'topic'
      if (!nodes.has(id))
        nodes.set(id, {
          id,
          kind,
          label,
          about: `${kind === 'topic' ? '' : 'repartition '}topic ${label}`,
          box: undefined,
        })
      return id
    }
    for (const { id: number, nodes: members, sourceTopics } of topology.subTopologies) {
      const place = `${topology.name}_${number}`
      const box = idOf('box', place)
      const written = members.flatMap(({ kind, topics }) => (kind === 'sink' ? topics : []))
      const memberId = (name: string): string => idOf(place.replaceAll(/[^a-zA-Z0-9]/g, '_'), name)
      boxes.push({
        id: box,
        label: `${topologies.length === 1 ? '' : `${topology.name} `}sub-topology ${number}`,
        about: `sub-topology ${number} of ${topology.name} reads ${listed(sourceTopics)} and writes ${listed([...new Set(written)])}`,
      })
      for (const node of members) {
        if (node.kind === 'source') {
          for (const topic of node.topics)
            for (const next of node.successors)
              add({ from: topicNode(topic), to: memberId(next), kind: 'record' })
          continue
        }
        const id = memberId(node.name)
        nodes.set(id, { id, kind: kindOf[node.kind], label: node.name, about: aboutNode(node), box })
        for (const next of node.successors) add({ from: id, to: memberId(next), kind: 'record' })
        for (const topic of node.topics) add({ from: id, to: topicNode(topic), kind: 'record' })
        for (const name of node.stores) {
          const store = topology.stores.find(store => store.name === name)
          const storeId = idOf(`${place.replaceAll(/[^a-zA-Z0-9]/g, '_')}_store`, name)
          const about = `store ${name}: changelog ${store?.changelog ?? '?'}, ${retentionText(store?.retentionMs ?? null)}`
          nodes.set(storeId, { id: storeId, kind: 'store', label: name, about, box })
          add({ from: id, to: storeId, kind: 'state' })
        }
      }
    }
  }
  return {
    title: topologies.map(({ name }) => name).join(', '),
    boxes,
    nodes: [...nodes.values()],
    edges: [...edges.values()],
  }
}
