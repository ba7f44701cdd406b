import type { TopologyDocument } from './document.ts'
import { pictureOf, type PictureNode, type ShapeKind } from './picture/graph.ts'

const quoted = (text: string): string => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`

const shapes: Readonly<Record<ShapeKind, string>> = {
  topic: 'shape=cds',
  repartition: 'shape=cds, style=dashed',
  step: 'shape=box, style=rounded',
  store: 'shape=cylinder',
  sink: 'shape=invhouse',
  effect: 'shape=hexagon',
}

const declared = (node: PictureNode): string =>
  `${node.id} [label=${quoted(node.label)}, tooltip=${quoted(node.about)}, ${shapes[node.kind]}];`

/**
 * A graph for Graphviz, with the shapes of `renderSvg`.
 *
 * @example renderDot([documentOf(orders)]) // | dot -Tpdf > orders.pdf
 */
export const renderDot = (topologies: readonly TopologyDocument[]): string => {
  const { title, boxes, nodes, edges } = pictureOf(topologies)
  const inBox = (id: string | undefined): PictureNode[] => nodes.filter(({ box }) => box === id)
  return [
    `digraph ${quoted(title)} {`,
    '  rankdir=TB;',
    '  node [fontname="monospace", fontsize=11];',
    ...inBox(undefined).map(node => `  ${declared(node)}`),
    ...boxes.flatMap(({ id, label }) => [
      `  subgraph cluster_${id} {`,
      `    label=${quoted(label)};`,
      '    labeljust=l;',
      ...inBox(id).map(node => `    ${declared(node)}`),
      '  }',
    ]),
    ...edges.map(
      ({ from, to, kind }) => `  ${from} -> ${to}${kind === 'state' ? ' [style=dotted, dir=none]' : ''};`,
    ),
    '}',
    '',
  ].join('\n')
}
