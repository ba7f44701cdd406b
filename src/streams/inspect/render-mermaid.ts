import type { TopologyDocument } from './document.ts'
import { pictureOf, type PictureNode } from './picture/graph.ts'

// Mermaid's own characters are written as entities; names of ours hold none, those of others might.
const quoted = (text: string): string => `"${text.replaceAll('"', '#quot;')}"`

const shapeOf = ({ kind, label }: PictureNode): string => {
  const text = quoted(label)
  switch (kind) {
    case 'topic':
      return `[/${text}/]`
    case 'repartition':
      return `[\\${text}\\]`
    case 'step':
      return `[${text}]`
    case 'store':
      return `[(${text})]`
    case 'sink':
      return `>${text}]`
    case 'effect':
      return `{{${text}}}`
  }
}

/**
 * A Mermaid flowchart: sub-topologies as boxes, topics as slanted boxes between them, stores as cylinders.
 *
 * @example renderMermaid([documentOf(orders)]).startsWith('flowchart TD')
 */
export const renderMermaid = (topologies: readonly TopologyDocument[]): string => {
  const { boxes, nodes, edges } = pictureOf(topologies)
  const declared = (among: readonly PictureNode[], indent: string): string[] =>
    among.map(node => `${indent}${node.id}${shapeOf(node)}`)
  return [
    'flowchart TD',
    ...declared(
      nodes.filter(({ box }) => box === undefined),
      '  ',
    ),
    ...boxes.flatMap(({ id, label }) => [
      `  subgraph ${id}[${quoted(label)}]`,
      ...declared(
        nodes.filter(({ box }) => box === id),
        '    ',
      ),
      '  end',
    ]),
    ...edges.map(({ from, to, kind }) => `  ${from} ${kind === 'state' ? '-.-' : '-->'} ${to}`),
    '',
  ].join('\n')
}
