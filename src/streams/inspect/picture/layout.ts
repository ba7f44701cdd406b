import { graphlib, layout } from '@dagrejs/dagre'
import type { PictureBox, PictureEdge, PictureGraph, PictureNode } from './graph.ts'
import { frameOf, hullOf, type Frame } from './frames.ts'
import type { Point, Rectangle } from './geometry.ts'
import { routeEdges } from './routes.ts'

export type PlacedNode = PictureNode & Rectangle
export type PlacedEdge = PictureEdge & { readonly points: readonly Point[] }
export type PlacedBox = PictureBox & Frame

/** A picture with a place for everything, in pixels; the origin is the upper left corner. */
export interface PlacedPicture {
  readonly title: string
  readonly width: number
  readonly height: number
  readonly nodes: readonly PlacedNode[]
  readonly edges: readonly PlacedEdge[]
  readonly boxes: readonly PlacedBox[]
}

/** Width of a character, a little more than any usual monospaced font has at this size. */
export const characterWidth = 7.9
export const fontSize = 13
const labelFontSize = 12

const sizeOf = ({ kind, label }: PictureNode): { width: number; height: number } => {
  const text = Math.ceil(label.length * characterWidth)
  switch (kind) {
    case 'step':
      return { width: text + 24, height: 34 }
    case 'sink':
      return { width: text + 24, height: 42 }
    case 'effect':
      return { width: text + 48, height: 36 }
    case 'store':
      return { width: text + 28, height: 50 }
    case 'topic':
    case 'repartition':
      return { width: text + 52, height: 38 }
  }
}

const labelWidth = (label: string): number =>
  Math.ceil(label.length * characterWidth * (labelFontSize / fontSize)) + 8

/**
 * Places everything from top to bottom: records go down, cycles come back up. The same picture always gives the same places.
 *
 * @example placePicture(pictureOf([documentOf(orders)])).height
 */
export const placePicture = (picture: PictureGraph): PlacedPicture => {
  const graph = new graphlib.Graph({ compound: true, multigraph: false })
  graph.setGraph({ rankdir: 'TB', nodesep: 28, ranksep: 26, edgesep: 16, marginx: 20, marginy: 28 })
  graph.setDefaultEdgeLabel(() => ({}))
  for (const box of picture.boxes) graph.setNode(box.id, {})
  for (const node of picture.nodes) {
    graph.setNode(node.id, { ...sizeOf(node) })
    if (node.box !== undefined) graph.setParent(node.id, node.box)
  }
  for (const { from, to, kind } of picture.edges)
    graph.setEdge(from, to, { weight: kind === 'state' ? 4 : 1 })
  layout(graph)

  const rectangleOf = (id: string): Rectangle => {
    const { x = 0, y = 0, width = 0, height = 0 } = graph.node(id) as Partial<Rectangle>
    return { x: x - width / 2, y: y - height / 2, width, height }
  }
  const nodes = picture.nodes.map(node => ({ ...node, ...rectangleOf(node.id) }))
  const raw = picture.edges.map(edge => ({
    ...edge,
    points: (graph.edge(edge.from, edge.to) as { points: Point[] }).points,
  }))
  const routes = routeEdges(raw, new Map(nodes.map(node => [node.id, node])))
  const edges = raw.map(edge => ({ ...edge, points: routes.get(edge) ?? edge.points }))
  const boxes = frameBoxes(picture.boxes, nodes, edges)
  const right = Math.max(...[...nodes, ...boxes].map(({ x, width }) => x + width))
  const bottom = Math.max(...[...nodes, ...boxes].map(({ y, height }) => y + height))
  const bends = edges.flatMap(({ points }) => points)
  const left = Math.min(...[...nodes, ...boxes].map(({ x }) => x), ...bends.map(({ x }) => x)) - 20
  return {
    title: picture.title,
    width: Math.ceil(Math.max(right, ...bends.map(({ x }) => x)) + 20 - left),
    height: Math.ceil(Math.max(bottom, ...bends.map(({ y }) => y)) + 20),
    nodes: nodes.map(node => moved(node, left)),
    edges: edges.map(edge => ({ ...edge, points: edge.points.map(point => moved(point, left)) })),
    boxes: boxes.map(box => ({ ...moved(box, left), labelAt: moved(box.labelAt, left) })),
  }
}

const moved = <P extends Point>(point: P, left: number): P => ({ ...point, x: point.x - left })

/** One box after the other, each keeping off those before it and off what the later ones surely take. */
const frameBoxes = (
  boxes: readonly PictureBox[],
  nodes: readonly PlacedNode[],
  edges: readonly PlacedEdge[],
): PlacedBox[] => {
  const membersOf = (id: string): PlacedNode[] => nodes.filter(({ box }) => box === id)
  const taken = new Map<string, Rectangle>(boxes.map(({ id }) => [id, hullOf(membersOf(id))]))
  return boxes.map(box => {
    const strangers = [
      ...[...taken].flatMap(([id, rectangle]) => (id === box.id ? [] : [rectangle])),
      ...nodes.filter(node => node.box === undefined),
    ]
    const members = membersOf(box.id)
    const lines = edges.map(({ points }) => points)
    const frame = frameOf(labelWidth(box.label), { members, strangers, lines })
    taken.set(box.id, frame)
    return { ...box, ...frame }
  })
}
