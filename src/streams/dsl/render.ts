import type { DescribedNode, TopologyDescription } from './describe.ts'

const listed = (names: readonly string[]): string => (names.length === 0 ? 'none' : names.join(', '))

const textOf = (node: DescribedNode): string[] => {
  const out = `      --> ${listed(node.successors)}`
  const back = `      <-- ${listed(node.predecessors)}`
  switch (node.kind) {
    case 'source':
      return [`    Source: ${node.name} (topics: [${node.topics.join(', ')}])`, out]
    case 'sink':
      return [`    Sink: ${node.name} (topic: ${node.topics[0]})`, back]
    case 'processor':
    case 'effect':
      return [`    Processor: ${node.name} (stores: [${node.stores.join(', ')}])`, out, back]
  }
}

/** The text of Kafka Streams' `Topology.describe()`, character for character, so that its viewers read ours. */
export const renderText = (description: TopologyDescription): string =>
  [
    'Topologies:',
    ...description.subTopologies.flatMap((subTopology, index) => [
      // Kafka Streams indents the first one by a space more than the others.
      `${index === 0 ? '   ' : '  '}Sub-topology: ${subTopology.id}`,
      ...subTopology.nodes.flatMap(textOf),
      '',
    ]),
    '',
  ].join('\n')

const mermaidId = (name: string): string => name.replaceAll(/[^a-zA-Z0-9]/g, '_')

const shapeOf = (node: DescribedNode): string => {
  const label = node.stores.length === 0 ? node.name : `${node.name}<br/>[${node.stores.join(', ')}]`
  switch (node.kind) {
    case 'source':
    case 'sink':
      return `(["${label}"])`
    case 'processor':
      return node.stores.length === 0 ? `["${label}"]` : `[("${label}")]`
    case 'effect':
      return `[["${label}"]]`
  }
}

/** A Mermaid flowchart: sub-topologies as boxes, topics as pipes between them, stores as cylinders. */
export const renderMermaid = (description: TopologyDescription): string => {
  const lines = ['flowchart TD']
  const links = new Set<string>()
  for (const { id, nodes } of description.subTopologies) {
    lines.push(`  subgraph sub_${id}["Sub-topology ${id}"]`)
    for (const node of nodes) lines.push(`    ${mermaidId(node.name)}${shapeOf(node)}`)
    for (const node of nodes) {
      for (const next of node.successors) lines.push(`    ${mermaidId(node.name)} --> ${mermaidId(next)}`)
      for (const topic of node.topics) {
        const pipe = `topic_${mermaidId(topic)}[/"${topic}"/]`
        const own = mermaidId(node.name)
        links.add(node.kind === 'source' ? `  ${pipe} --> ${own}` : `  ${own} --> ${pipe}`)
      }
    }
    lines.push('  end')
  }
  return [...lines, ...links, ''].join('\n')
}
