import type { Command } from 'commander'
import { Option } from 'commander'
import { createCommand, createGroup } from '../command.ts'
import { describeFormats, type DescribeFormat } from '../describe-formats.ts'
import { printResult, processTerminal } from '../print.ts'

/** `sluice topology describe | diff | lint`. */
export const topologyCommand = (): Command =>
  createGroup('topology', 'Shows, compares and examines the topologies that `sluice run` runs.', [
    describeCommand(),
    diffCommand(),
    lintCommand(),
  ])

interface DescribeOptions {
  readonly json?: boolean
  readonly format: DescribeFormat
}

const describeCommand = (): Command =>
  createCommand('describe [name...]', {
    description: 'Prints the topologies named, or all, as a graph of named nodes; needs no server.',
    example: `
$ sluice topology describe settlement
Topologies:
   Sub-topology: 0
    Source: order-confirmed-source (topics: [order-confirmed])
…
$ sluice topology describe orders --format svg > orders.svg     # open it in a browser
$ sluice topology describe --format json > v1.json              # for \`topology diff\`; docs/topology.schema.json`,
  })
    .addOption(
      new Option(
        '--format <format>',
        'text as Kafka Streams prints it, JSON, a Mermaid flowchart, a graph for Graphviz, or a picture',
      )
        .choices([...describeFormats])
        .default('kafka'),
    )
    .action(async (names: string[], options: DescribeOptions) => {
      const { describeTopologies } = await import('../describe-topologies.ts')
      processTerminal.out(describeTopologies(names, options.json === true ? 'json' : options.format))
    })

const diffCommand = (): Command =>
  createCommand('diff <before> [after]', {
    description:
      'Says what survives when one version of a topology takes the place of another, and what to do first. ' +
      'A version is a file of `describe --format json` or the name of a topology of now; without <after>, now is meant. ' +
      'Exit code 1: something has to be done first.',
    example: `
$ sluice topology describe --format json > v1.json     # before the change
$ sluice topology diff v1.json                         # after it
orders
  - orphaned
    store order-gathering: nobody owns orders-order-gathering-changelog any more; gatherings has the same formats and begins empty
      -> when gatherings was to be the same store, give it its old name order-gathering; else delete orders-order-gathering-changelog
…`,
  }).action(async (before: string, after: string | undefined, options: { json?: boolean }) => {
    const { diffVersions, renderDiffs } = await import('../diff-topologies.ts')
    const diffs = await diffVersions(before, after)
    printResult(options, diffs, renderDiffs)
    if (diffs.some(({ compatible }) => !compatible)) process.exitCode = 1
  })

interface LintOptions {
  readonly json?: boolean
  readonly rules?: boolean
}

const lintCommand = (): Command =>
  createCommand('lint [name...]', {
    description:
      'Looks for what compiles and runs and still goes wrong one day. Exit code 1: something was found.',
    example: `
$ sluice topology lint
3 topologies, 10 rules: nothing to object to
$ sluice topology lint --rules     # what each rule asks for, and why`,
  })
    .option('--rules', 'print the rules, their reasons and their remedies')
    .action(async (names: string[], options: LintOptions) => {
      const { lintTopologies, printRules } = await import('../lint-topologies.ts')
      if (options.rules === true) {
        printRules(options)
        return
      }
      const { findings, render } = lintTopologies(names)
      printResult(options, findings, render)
      if (findings.length > 0) process.exitCode = 1
    })
