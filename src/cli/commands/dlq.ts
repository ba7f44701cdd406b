import { hostname, userInfo } from 'node:os'
import type { Command } from 'commander'
import { systemClock } from '../../core/clock.ts'
import { SluiceError } from '../../core/errors.ts'
import type { LetterFilter } from '../../streams/dead-letters/filter.ts'
import { parseCount, parseSince } from '../arguments.ts'
import { createCommand, createGroup } from '../command.ts'
import type { Chosen } from '../dlq-settle.ts'
import { printResult, processTerminal } from '../print.ts'

/** `sluice dlq list | show | retry | drop`. */
export const dlqCommand = (): Command =>
  createGroup('dlq', 'Dead letters: records that failed and were parked, and what becomes of them.', [
    listCommand(),
    showCommand(),
    retryCommand(),
    dropCommand(),
  ])

interface FilterOptions {
  readonly topic?: string
  readonly step?: string
  readonly code?: string
  readonly since?: number
}

const withFilter = (command: Command): Command =>
  command
    .option('--topic <topic>', 'only from this source topic')
    .option('--step <step>', 'only those that failed in this step')
    .option('--code <code>', 'only those with this code, e.g. SLUICE_CODEC_MALFORMED')
    .option('--since <time>', 'only those parked since: ISO 8601, or 90s, 15m, 2h, 3d ago', text =>
      parseSince(text, systemClock.now()),
    )

const filterOf = ({ topic, step, code, since }: FilterOptions): LetterFilter => ({
  ...(topic !== undefined && { topic }),
  ...(step !== undefined && { step }),
  ...(code !== undefined && { code }),
  ...(since !== undefined && { sinceMs: since }),
})

const listCommand = (): Command =>
  withFilter(
    createCommand('list [topology...]', {
      description:
        'Shows what is parked: how many by source, step and code, then the newest letters. Those retried or dropped are hidden.',
      example: `
$ sluice dlq list orders
orders: 2 letters open, 1 retried, 0 dropped

count  source                    step        code                           first             last
    2  shop.public.outbox_event  read-order  SLUICE_OUTBOX_PAYLOAD_INVALID  2026-03-01 09:12  2026-03-01 09:14

id               source                                step        retries  state  message
orders-dlq/3/17  shop.public.outbox_event[3] offset 8  read-order        0  open   …`,
    }),
  )
    .option('--limit <letters>', 'show at most so many letters of each topology', parseCount, 20)
    .option('--all', 'also those that were retried or dropped')
    .action(
      async (names: string[], options: FilterOptions & { json?: boolean; limit: number; all?: boolean }) => {
        const { listLetters } = await import('../dlq-read.ts')
        const { renderLetters } = await import('../render-dlq.ts')
        const filter = { ...filterOf(options), settled: options.all === true }
        printResult(options, await listLetters(names, filter, options.limit), renderLetters)
      },
    )

const showCommand = (): Command =>
  createCommand('show <id>', {
    description:
      'Shows one letter: where its record came from, what happened, what was tried before, key and value decoded if they can be.',
    example: `
$ sluice dlq show orders-dlq/3/17
orders-dlq/3/17
state       open
source      shop.public.outbox_event[3] offset 8
step        read-order (task 0_3)
…
$ sluice dlq show orders-dlq/3/17 --raw > value.bin     # the value's bytes as they are`,
  })
    .option('--raw', "write the value's bytes to standard output, and nothing else")
    .action(async (id: string, options: { json?: boolean; raw?: boolean }) => {
      const { rawValue, showLetter } = await import('../dlq-read.ts')
      if (options.raw === true) {
        process.stdout.write(await rawValue(id))
        return
      }
      const { jsonText, renderLetter } = await import('../render-dlq.ts')
      const letter = await showLetter(id)
      if (options.json === true) processTerminal.out(`${jsonText(letter)}\n`)
      else printResult(options, letter, renderLetter)
    })

interface SettleFlags extends FilterOptions {
  readonly json?: boolean
  readonly topology: string[]
  readonly allMatching?: boolean
}

const withChoice = (command: Command): Command =>
  withFilter(command)
    .option('--all-matching', 'instead of ids: all open letters that match the filters')
    .option('--topology <name>', 'only of this topology (may be repeated)', collect, [])

const collect = (name: string, names: readonly string[]): string[] => [...names, name]

const chosenOf = (ids: readonly string[], flags: SettleFlags): Chosen => {
  const filter = filterOf(flags)
  const isFiltered = Object.keys(filter).length + flags.topology.length > 0
  if (ids.length > 0 && (flags.allMatching === true || isFiltered))
    throw usage('both ids and filters are given', 'give ids, or --all-matching with filters')
  if (ids.length === 0 && flags.allMatching !== true)
    throw usage('no letter is given', 'give ids as `sluice dlq list` prints them, or --all-matching')
  return { ids, matching: ids.length > 0 ? undefined : { topologies: flags.topology, filter } }
}

const usage = (message: string, remedy: string): SluiceError =>
  new SluiceError({ code: 'SLUICE_CLI_USAGE', message, remedy })

const me = (): string => `${userInfo().username}@${hostname()}`

const retryCommand = (): Command =>
  withChoice(
    createCommand('retry [id...]', {
      description:
        'Writes records that failed to their source topics again, unchanged, each once: whoever repeats a retry that was killed sends ' +
        'nothing twice. One that fails again is parked anew. Exit code 1: some of them cannot be retried.',
      example: `
$ sluice dlq retry orders-dlq/3/17
1 letter retried
$ sluice dlq retry --all-matching --topology orders --step read-order --since 2h
41 letters retried`,
    }),
  ).action(async (ids: string[], flags: SettleFlags) => {
    const chosen = chosenOf(ids, flags)
    const { retryChosen } = await import('../dlq-settle.ts')
    const { renderSettled } = await import('../render-dlq.ts')
    const report = await retryChosen(chosen, me())
    printResult(flags, report, of => renderSettled('retried', of))
    if (report.refused.length > 0) process.exitCode = 1
  })

const dropCommand = (): Command =>
  withChoice(
    createCommand('drop [id...]', {
      description:
        'Notes that letters are done with, and why. They stay in the topic, and can still be retried by their ids.',
      example: `
$ sluice dlq drop orders-dlq/3/17 --reason "sent by a test"
1 letter dropped
$ sluice dlq drop --all-matching --topic order-created --reason "of before the launch"
This will drop 41 letters. Type 41 to go on: 41
41 letters dropped`,
    }),
  )
    .requiredOption('--reason <why>', 'why they need no retry; noted with each')
    .option('--yes', 'do not ask, even when there are several')
    .action(async (ids: string[], flags: SettleFlags & { reason: string; yes?: boolean }) => {
      const chosen = chosenOf(ids, flags)
      const { countChosen, dropChosen } = await import('../dlq-settle.ts')
      const { renderSettled } = await import('../render-dlq.ts')
      if (flags.yes !== true) {
        const { confirm } = await import('../confirm.ts')
        const count = await countChosen(chosen)
        const { stdin: input, stderr: output } = process
        if (count > 1) await confirm({ what: `drop ${count} letters`, typed: String(count), input, output })
      }
      const report = await dropChosen(chosen, me(), flags.reason)
      printResult(flags, report, of => renderSettled('dropped', of))
      if (report.refused.length > 0) process.exitCode = 1
    })
