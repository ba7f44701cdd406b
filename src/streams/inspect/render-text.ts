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
