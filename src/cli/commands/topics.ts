import type { Command } from 'commander'
import { parseCount, parsePartition } from '../arguments.ts'
import { createCommand, createGroup } from '../command.ts'
import { printResult } from '../print.ts'
import type { TailFlags } from '../tail-topics.ts'

/** `sluice topics list | tail`. */
export const topicsCommand = (): Command =>
  createGroup('topics', 'Lists topics, and shows what is in them.', [listCommand(), tailCommand()])

const listCommand = (): Command =>
  createCommand('list', {
    description:
      'Lists all topics: partitions, what each is to the application, and how many offsets it holds (records, and the markers of ' +
      'transactions between them).',
    example: `
$ sluice topics list
topic                     kind       partitions    offsets  topologies
order-confirmed           event               4          2  orders, settlement
…`,
  }).action(async (options: { json?: boolean }) => {
    const { listTopics, renderTopics } = await import('../list-topics.ts')
    printResult(options, await listTopics(), renderTopics)
  })

const tailCommand = (): Command =>
  createCommand('tail <topic...>', {
    description:
      'Shows records as they come, values decoded by the schema they were written with. What cannot be decoded is shown as hex, ' +
      'with the reason; control characters are escaped. With --json, one object a line.',
    example: `
$ sluice topics tail order-created order-confirmed --from -1 --no-follow
2026-11-26T01:22:58.606Z  order-created[2]@0  01a21572-…  {"orderId":"01a21572-…","customerId":"17850",…}
2026-11-26T01:22:58.606Z  order-confirmed[2]@0  01a21572-…  {"orderId":"01a21572-…",…,"confirmedAt":1795656178606}
$ sluice topics tail stock-update --key 85123A --from 15m --json | jq .value.onHand`,
  })
    .option(
      '--from <where>',
      'now, start, -<n> (the last n records of each partition), a time (ISO 8601), or how long ago (90s, 15m, 2h, 1d)',
      'now',
    )
    .option('--no-follow', 'end where the topics end now')
    .option('--limit <count>', 'end after so many records', parseCount)
    .option('--key <key>', 'only records of this key')
    .option('--partition <number>', 'only this partition', parsePartition)
    .option('--headers', 'show headers too')
    .option('--uncommitted', 'show records of open and aborted transactions too, marked as such')
    .action(async (topics: string[], options: TailFlags) => {
      const { tail } = await import('../tail-topics.ts')
      await tail(topics, options)
    })
