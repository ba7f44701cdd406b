import type { Command } from 'commander'
import { parseCount } from '../arguments.ts'
import { createCommand } from '../command.ts'
import { printResult } from '../print.ts'

/** `sluice relay` and `sluice relay resync`. */
export const relayCommand = (): Command =>
  createCommand('relay', {
    description: 'Carries committed outbox rows from Postgres into Kafka, each exactly once, until SIGTERM.',
    example: `
$ sluice relay
$ sluice relay --prune-after 86400    # keeps a day of the outbox
$ sluice relay resync    # after its replication slot was lost: catches up from the table`,
  })
    .option(
      '--prune-after <seconds>',
      'delete outbox rows so long after they were seen in the table, once they are on the topic (default: never)',
      parseCount,
    )
    .action(async (options: { pruneAfter?: number }) => {
      const { relay } = await import('../relay.ts')
      await relay(options)
    })
    .enablePositionalOptions()
    .addCommand(resyncCommand())

const resyncCommand = (): Command =>
  createCommand('resync', {
    description: 'Makes a new replication slot and sends what the table holds and the topic does not.',
    example: `
$ sluice relay resync
14 rows of the outbox were not on the topic and have been sent; the relay can be started again`,
  }).action(async (_: unknown, command: Command) => {
    const options: { json?: boolean } = command.optsWithGlobals()
    const { resyncRelay, renderResync } = await import('../relay.ts')
    printResult(options, await resyncRelay(), renderResync)
  })
