import type { Command } from 'commander'
import { parseCount, parsePartition } from '../arguments.ts'
import { createCommand, createGroup } from '../command.ts'
import { printResult } from '../print.ts'

/** `sluice state list | get | scan`. */
export const stateCommand = (): Command =>
  createGroup('state', 'Shows what state stores hold, as their changelogs have committed it.', [
    listCommand(),
    getCommand(),
    scanCommand(),
  ])

const listCommand = (): Command =>
  createCommand('list [topology...]', {
    description: 'Lists the stores of the topologies named, or of all, with their changelogs.',
    example: `
$ sluice state list orders
topology  store            changelog                         partitions  offsets  kept
orders    stock-ledger     orders-stock-ledger-changelog              4  17       until deleted
…`,
  }).action(async (names: string[], options: { json?: boolean }) => {
    const { listStores } = await import('../inspect-state.ts')
    const { renderStores } = await import('../render-state.ts')
    printResult(options, await listStores(names), renderStores)
  })

interface GetOptions {
  readonly json?: boolean
  readonly partition?: number
}

const getCommand = (): Command =>
  createCommand('get <topology> <store> <key>', {
    description:
      'Shows the committed value of one key, decoded. The key’s own partition is read first, the others only where it is not there. ' +
      'Exit code 1: there is no such key.',
    example: `
$ sluice state get orders stock-ledger 85123A
85123A
  version  3
  onHand  994
  reserved  0
  sold  6
  settling  3
written at event time 2026-11-26T01:22:58.606Z: orders-stock-ledger-changelog[0]@7
as of 2026-11-26T01:25:03.120Z, committed:
  [0] up to offset 10, stream time 2026-11-26T01:22:58.606Z`,
  })
    .option('--partition <number>', 'look there only', parsePartition)
    .action(async (topology: string, store: string, key: string, options: GetOptions) => {
      const { getStateOf } = await import('../inspect-state.ts')
      const { renderStateGet, stateJson } = await import('../render-state.ts')
      const result = await getStateOf(topology, store, key, options.partition)
      printResult(options, options.json === true ? stateJson(result) : result, () => renderStateGet(result))
      if (result.entries.length === 0) process.exitCode = 1
    })

interface ScanOptions {
  readonly json?: boolean
  readonly prefix?: string
  readonly from?: string
  readonly to?: string
  readonly partition?: number
  readonly limit: number
}

const scanCommand = (): Command =>
  createCommand('scan <topology> <store>', {
    description: 'Shows committed entries of a store, decoded, in the order of their keys’ bytes.',
    example: `
$ sluice state scan orders stock-ledger --prefix 85
key     in   event time                value
85123A  [0]  2026-11-26T01:22:58.606Z  {"version":3,"onHand":994,"reserved":0,"sold":6,"settling":3}

1 key
…`,
  })
    .option('--prefix <text>', 'keys that begin so')
    .option('--from <key>', 'this key and those behind it')
    .option('--to <key>', 'keys before this one')
    .option('--partition <number>', 'look there only', parsePartition)
    .option('--limit <count>', 'entries shown at most', parseCount, 100)
    .action(async (topology: string, store: string, options: ScanOptions) => {
      const { scanStateOf } = await import('../inspect-state.ts')
      const { renderStateScan, stateJson } = await import('../render-state.ts')
      const result = await scanStateOf(topology, store, options)
      printResult(options, options.json === true ? stateJson(result) : result, () => renderStateScan(result))
    })
