import type { Command } from 'commander'
import { InvalidArgumentError } from 'commander'
import { stackNameOf } from '../../app/stack-urls.ts'
import { systemClock } from '../../core/clock.ts'
import { SluiceError } from '../../core/errors.ts'
import { stackDown } from '../../stack/down.ts'
import { layoutOf } from '../../stack/layout.ts'
import { serverNamed, stackLogs } from '../../stack/logs.ts'
import { stackStatus } from '../../stack/status.ts'
import { serverNames } from '../../stack/types.ts'
import { stackUp } from '../../stack/up.ts'
import { parseCount } from '../arguments.ts'
import { createCommand, createGroup } from '../command.ts'
import { processTerminal, printResult } from '../print.ts'
import { renderDown, renderStackStatus, renderUp } from '../render-stack.ts'
import { createStackReport } from '../stack-report.ts'
import { stopSignal } from '../until-stopped.ts'

interface NamedStack {
  readonly name: string
  readonly json?: boolean
}

const withName = (command: Command): Command =>
  command.option('--name <name>', 'which stack, when you keep several', stackNameOf(process.env))

const parsePortBase = (text: string): number => {
  const port = parseCount(text)
  if (port < 1_024 || port > 65_500) throw new InvalidArgumentError('a port from 1024 to 65500 is wanted.')
  return port
}

const upCommand = (): Command =>
  withName(
    createCommand('up', {
      description:
        'Starts Postgres, Kafka, Cassandra and a schema registry on this machine, fetching them the first time ' +
        '(250 MB; needs Java 17). They listen on loopback only and run until stack down. What runs is left alone, ' +
        'what died is started again, data is kept.',
      example: `
$ ./bin/sluice stack up
starting Postgres, Kafka, Cassandra, schema registry
Postgres is ready after 2.1 s
…
$ ./bin/sluice stack up --name try --fresh            # a second one, begun anew
$ ./bin/sluice stack up --name try --port-base 30000  # on ports of your choice`,
    }),
  )
    .option('--fresh', 'begin with empty servers: deletes what the stack kept')
    .option(
      '--port-base <port>',
      'first of the 20 ports the stack takes (default: free ones, remembered)',
      parsePortBase,
    )
    .action(async (options: NamedStack & { fresh?: boolean; portBase?: number }) => {
      const layout = layoutOf(options.name, process.env)
      const report = createStackReport()
      const result = await stackUp(layout, {
        environment: process.env,
        clock: systemClock,
        fresh: options.fresh === true,
        portBase: options.portBase,
        report: report.report,
        signal: stopSignal(),
      }).finally(() => report.end())
      printResult(options, { ...result.urls, started: result.started }, () => renderUp(layout, result))
    })

const downCommand = (): Command =>
  withName(
    createCommand('down', {
      description: 'Stops the servers of a stack. Their data is kept for the next stack up.',
      example: `
$ ./bin/sluice stack down
The stack 'default' is down; stopped: Postgres, Kafka, Cassandra, schema registry. Its data is kept for the next stack up.
$ ./bin/sluice stack down --name try --delete   # and forget everything it kept`,
    }),
  )
    .option('--delete', 'delete its data, logs and remembered ports too')
    .action(async (options: NamedStack & { delete?: boolean }) => {
      const layout = layoutOf(options.name, process.env)
      const deleted = options.delete === true
      const stopped = await stackDown(layout, { clock: systemClock, deleteAll: deleted })
      printResult(options, { stopped, deleted }, () => renderDown(layout, stopped, deleted))
    })

const statusCommand = (): Command =>
  withName(
    createCommand('status', {
      description: 'Shows which servers run and where. Exits 1 unless all of them do.',
      example: `
$ ./bin/sluice stack status --json
{ "api": "http://127.0.0.1:20000", "postgres": "postgres://sluice:sluice@127.0.0.1:20001/sluice", "kafka": … }
$ export SLUICE_KAFKA=$(./bin/sluice stack status --json | jq -r .kafka)`,
    }),
  ).action(async (options: NamedStack) => {
    const layout = layoutOf(options.name, process.env)
    const status = await stackStatus(layout)
    if (status?.running !== true) process.exitCode = 1
    if (options.json === true && status?.running !== true) {
      throw new SluiceError({
        code: 'SLUICE_STACK_NOT_RUNNING',
        message: `the stack '${layout.name}' is not running`,
        remedy: `start it: ./bin/sluice stack up --name ${layout.name}`,
        details: Object.fromEntries(status?.servers.map(server => [server.name, server.state]) ?? []),
      })
    }
    printResult(options, status?.urls, () => renderStackStatus(layout, status))
  })

const logsCommand = (): Command =>
  withName(
    createCommand('logs [server]', {
      description: `Prints the end of the servers' logs, of all or of one (${serverNames.join(', ')}).`,
      example: `
$ ./bin/sluice stack logs cassandra --lines 100
$ ./bin/sluice stack logs --follow   # until Ctrl-C`,
    }),
  )
    .option('--lines <count>', 'how many lines of each to begin with', parseCount, 20)
    .option('--follow', 'go on with what is written, until Ctrl-C')
    .action(async (server: string | undefined, options: NamedStack & { lines: number; follow?: boolean }) => {
      const layout = layoutOf(options.name, process.env)
      const servers = server === undefined ? serverNames : [serverNamed(server)]
      const follow = options.follow === true ? { clock: systemClock, signal: stopSignal() } : undefined
      await stackLogs(layout, servers, { lines: options.lines, follow }, (name, line) => {
        const prefixed = servers.length === 1 ? line : `${name.padEnd(9)} | ${line}`
        processTerminal.out(`${options.json === true ? JSON.stringify({ server: name, line }) : prefixed}\n`)
      })
    })

/** `sluice stack up | down | status | logs`. */
export const stackCommand = (): Command =>
  createGroup('stack', 'Real servers without a container engine.', [
    upCommand(),
    downCommand(),
    statusCommand(),
    logsCommand(),
  ])
