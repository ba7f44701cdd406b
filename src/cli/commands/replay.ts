import type { Command } from 'commander'
import { parseCount } from '../arguments.ts'
import { createCommand, createGroup } from '../command.ts'
import type { LiveFlags } from '../replay/require-live.ts'
import { printResult, processTerminal } from '../print.ts'
import { stopSignal } from '../until-stopped.ts'
import type { ReplayRunFlags } from '../replay/run.ts'

/** `sluice replay run | list | compare | switch | drop`. */
export const replayCommand = (): Command =>
  createGroup('replay', 'Rebuilds state from the event logs beside the live one, compares, switches.', [
    runCommand(),
    listCommand(),
    compareCommand(),
    switchCommand(),
    dropCommand(),
  ])

interface JsonFlag {
  readonly json?: boolean
}

const withLive = (command: Command): Command =>
  command
    .option('--live', 'allow what is live to be changed; without it nothing is')
    .option('--confirm <name>', 'the name to be typed when asked, for scripts: that of the live keyspace')

const runCommand = (): Command =>
  createCommand('run <target>', {
    description:
      'Rebuilds `ledger` (stores and stock-update, from stock-movement), `views` (tables, from stock-update) or `orders` ' +
      '(the whole flow, from the outbox), with the code that runs live, into topics and a keyspace of its own. ' +
      'Run again it goes on after an interruption, and catches up after its end.',
    example: `
$ sluice replay run ledger
replay ledger: the stock ledger (its stores, and stock-update) from stock-movement
…
$ sluice replay run views --rate 2000                      # beside live, gently
$ sluice replay run views --id since --from 2026-01-31T00:00:00Z
$ sluice replay run orders --from outbox`,
  })
    .option('--id <id>', 'name of this replay (default: the target’s); small letters and digits')
    .option(
      '--from <where>',
      'start, a time (2026-01-31T12:00:00Z), offset:<topic>-<partition>=<offset>[,…], or outbox for orders (default: start)',
    )
    .option('--partial', 'accept that something before the first record is missing')
    .option('--rate <records>', 'read at most so many records a second', parseCount)
    .option('--instance <id>', 'identity of this process, unlike any other’s (default: host and process id)')
    .option('--dry-run', 'print what would be done')
    .action(async (target: string, options: ReplayRunFlags & JsonFlag) => {
      const { runReplayCommand } = await import('../replay/run.ts')
      const { renderRun } = await import('../replay/render.ts')
      const result = await runReplayCommand(target, options, processTerminal.err, stopSignal())
      printResult(options, result, renderRun)
      if (result.report?.isEnded === false) process.exitCode = 1
    })

const listCommand = (): Command =>
  createCommand('list', {
    description: 'Shows all replays: how far they are, who runs them, whose tables are read.',
    example: `
$ sluice replay list
id      target  from   begun                     done     behind  running  tables
ledger  ledger  start  2026-01-31T12:00:00.000Z  100.0 %       0        0  -`,
  }).action(async (options: JsonFlag) => {
    const { listReplays } = await import('../replay/manage.ts')
    const { renderReplays } = await import('../replay/render.ts')
    printResult(options, await listReplays(), renderReplays)
  })

const compareCommand = (): Command =>
  createCommand('compare <id>', {
    description:
      'Compares what a replay has rebuilt with what is live, and names what differs. Exit code 1: not equal. ' +
      'Changes nothing.',
    example: `
$ sluice replay compare ledger
                       equal  different  undecided
stock-update            1204          0          0
stock-entries (store)    602          0          0
stock-ledger (store)      15          0          0

equal`,
  }).action(async (id: string, options: JsonFlag) => {
    const { compareKnownReplay } = await import('../replay/manage.ts')
    const { renderComparison } = await import('../replay/render.ts')
    const comparison = await compareKnownReplay(id)
    printResult(options, comparison, renderComparison)
    if (!comparison.isEqual) process.exitCode = 1
  })

const switchCommand = (): Command =>
  withLive(
    createCommand('switch <id>', {
      description:
        'Lets readers read the tables of a replay of views, after it has caught up and was found equal; both are kept up ' +
        'to date from then on. --back lets them read the former ones again, at once. Asks before it changes anything.',
      example: `
$ sluice replay switch views --live
This changes what is live: readers of sluice will read sluice_replay_views, and live workers write both.
Type sluice to go on: sluice
…
$ sluice replay switch views --back --live --confirm sluice`,
    }),
  )
    .option('--back', 'read the live keyspace’s own tables again')
    .action(async (id: string, options: LiveFlags & JsonFlag & { back?: boolean }) => {
      const { switchReplay } = await import('../replay/manage.ts')
      const { renderSwitch } = await import('../replay/render.ts')
      printResult(options, await switchReplay(id, options, stopSignal()), renderSwitch)
    })

const dropCommand = (): Command =>
  withLive(
    createCommand('drop <id>', {
      description:
        'Deletes a replay: its topics, offsets and keyspace. One whose tables are read is refused; one that live workers ' +
        'keep up to date needs --live, since they are told to stop.',
      example: `
$ sluice replay drop ledger
deleted 5 topics`,
    }),
  ).action(async (id: string, options: LiveFlags & JsonFlag) => {
    const { dropKnownReplay } = await import('../replay/manage.ts')
    const { renderDrop } = await import('../replay/render.ts')
    printResult(options, await dropKnownReplay(id, options), renderDrop)
  })
