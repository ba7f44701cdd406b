import { Command } from 'commander'

/** What every command of the CLI states besides its name. */
export interface CommandText {
  readonly description: string
  /** A worked example: the command line as typed, and what it prints. */
  readonly example: string
}

/**
 * A command with what all of them share: `--json` and a worked example under its help.
 *
 * @example createCommand('get <order>', { description: 'Shows one order.', example: '$ sluice orders get 0190…' })
 */
export const createCommand = (nameAndArguments: string, text: CommandText): Command => {
  const [name = '', ...args] = nameAndArguments.split(' ')
  const command = new Command(name)
    .description(text.description)
    .option('--json', 'print the result as JSON')
    .addHelpText('after', `\nExample:\n${indent(text.example)}`)
  if (args.length > 0) command.arguments(args.join(' '))
  return command
}

/** A command that only holds others, e.g. `orders`. */
export const createGroup = (name: string, description: string, members: readonly Command[]): Command => {
  const group = new Command(name).description(description)
  for (const member of members) group.addCommand(member)
  return group
}

const indent = (text: string): string =>
  text
    .trim()
    .split('\n')
    .map(line => `  ${line}`)
    .join('\n')
