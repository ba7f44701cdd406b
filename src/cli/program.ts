import { Command, CommanderError } from 'commander'
import { SluiceError } from '../core/errors.ts'
import { checkCommand } from './commands/check.ts'
import { demoCommand } from './commands/demo.ts'
import { dlqCommand } from './commands/dlq.ts'
import { lagCommand } from './commands/lag.ts'
import { migrateCommand } from './commands/migrate.ts'
import { ordersCommand } from './commands/orders.ts'
import { relayCommand } from './commands/relay.ts'
import { replayCommand } from './commands/replay.ts'
import { runCommand } from './commands/run.ts'
import { schemasCommand } from './commands/schemas.ts'
import { serveCommand } from './commands/serve.ts'
import { stateCommand } from './commands/state.ts'
import { stackCommand } from './commands/stack.ts'
import { stockCommand } from './commands/stock.ts'
import { topicsCommand } from './commands/topics.ts'
import { topologyCommand } from './commands/topology.ts'
import type { Terminal } from './print.ts'
import { renderError } from './print.ts'

/** Wrong use of the CLI (arguments, settings); anything else that fails is 1. */
const usageExitCode = 2

/** All commands. Each loads what it needs when it runs, so that help is quick and parts fail alone. */
export const createProgram = (): Command =>
  new Command('sluice')
    .description('Kafka Streams for TypeScript, and the order system that proves it.')
    // What follows a command's name is that command's: `relay resync --json` is no option of `relay`.
    .enablePositionalOptions()
    .showHelpAfterError('(add --help for what this command takes)')
    .addHelpText('after', '\nExit codes: 0 done, 1 failed, 2 wrong arguments or settings.')
    .addCommand(demoCommand())
    .addCommand(stackCommand())
    .addCommand(migrateCommand())
    .addCommand(serveCommand())
    .addCommand(relayCommand())
    .addCommand(runCommand())
    .addCommand(topologyCommand())
    .addCommand(schemasCommand())
    .addCommand(topicsCommand())
    .addCommand(stateCommand())
    .addCommand(ordersCommand())
    .addCommand(stockCommand())
    .addCommand(replayCommand())
    .addCommand(lagCommand())
    .addCommand(dlqCommand())
    .addCommand(checkCommand())

/**
 * Runs one command line and gives its exit code: 0 done, 1 failed, 2 wrong arguments or settings.
 *
 * @example process.exitCode = await runCli(['orders', 'get', id, '--json'], processTerminal)
 */
export const runCli = async (args: readonly string[], terminal: Terminal): Promise<number> => {
  const program = createProgram()
  configureAll(program, command => {
    command.exitOverride()
    command.configureOutput({ writeOut: terminal.out, writeErr: terminal.err })
  })
  try {
    await program.parseAsync([...args], { from: 'user' })
    return Number(process.exitCode ?? 0)
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : usageExitCode
    terminal.err(renderError(error, args.includes('--json')))
    return error instanceof SluiceError && isUsage(error.code) ? usageExitCode : 1
  }
}

const isUsage = (code: string): boolean => code.startsWith('SLUICE_CONFIG_') || code === 'SLUICE_CLI_USAGE'

const configureAll = (command: Command, configure: (command: Command) => void): void => {
  configure(command)
  for (const child of command.commands) configureAll(child, configure)
}
