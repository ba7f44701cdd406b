import type { Command } from 'commander'
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
    .option(
      '--instance <id>',
      'identity of this worker; the same after a restart, unlike any other’s',
      'worker-1',
    )
    .action(async (names: string[], options: { instance: string }) => {
      const { runTopologies } = await import('../run-topologies.ts')
      await runTopologies(names, options.instance)
    })
