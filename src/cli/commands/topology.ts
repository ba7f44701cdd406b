import type { Command } from 'commander'
import { Option } from 'commander'
import { createCommand, createGroup } from '../command.ts'
import { processTerminal } from '../print.ts'

/** `sluice topology describe`. */
export const topologyCommand = (): Command =>
  createGroup('topology', 'Shows the topologies that `sluice run` runs.', [describeCommand()])

interface DescribeOptions {
  readonly json?: boolean
  readonly format: 'text' | 'mermaid' | 'json'
}

const describeCommand = (): Command =>
  createCommand('describe [name]', {
    description: 'Prints one topology, or all, as a graph of named nodes; needs no server.',
    example: `
$ sluice topology describe settlement
Topologies:
   Sub-topology: 0
    Source: order-confirmed-source (topics: [order-confirmed])
…
$ sluice topology describe orders --format mermaid > orders.mmd`,
  })
    .addOption(
      new Option('--format <format>', 'text as Kafka Streams prints it, a Mermaid flowchart, or JSON')
        .choices(['text', 'mermaid', 'json'])
        .default('text'),
    )
    .action(async (name: string | undefined, options: DescribeOptions) => {
      const { describeTopologies } = await import('../describe-topologies.ts')
      processTerminal.out(describeTopologies(name, options.json === true ? 'json' : options.format))
    })
