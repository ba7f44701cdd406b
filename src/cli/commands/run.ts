import { hostname } from 'node:os'
import type { Command } from 'commander'
import { Option } from 'commander'
import { parseCount } from '../arguments.ts'
import { createCommand } from '../command.ts'

/** `sluice run`. */
export const runCommand = (): Command =>
  createCommand('run [topology...]', {
    description:
      'Runs stream workers: the topologies named, or all, until SIGTERM. Start it again for more workers.',
    example: `
$ sluice run --instance a &
$ sluice run --instance b &
$ sluice run orders --instance only-orders`,
  })
    .addOption(
      new Option(
        '--instance <id>',
        'identity of this worker, unlike any other’s; give a stable one in production: ' +
          'a restarted worker then ends its former transaction at once',
      ).default(`${hostname()}-${process.pid}`, 'host name and process id'),
    )
    .option(
      '--keep-generations <seconds>',
      'how long a closed generation of a SKU’s stock stays before it may be deleted (default: 600); above 8',
      parseCount,
    )
    .action(async (names: string[], options: { instance: string; keepGenerations?: number }) => {
      const { runTopologies } = await import('../run-topologies.ts')
      await runTopologies(names, options)
    })
