import type { Command } from 'commander'
import { createCommand } from '../command.ts'
import { printResult } from '../print.ts'

/** `sluice lag`. */
export const lagCommand = (): Command =>
  createCommand('lag [topology...]', {
    description: 'Shows, per topology, topic and partition, how many records are not yet processed.',
    example: `
$ sluice lag orders
group   topic                    partition  committed   end  lag
orders  shop.public.outbox_event         0       1204  1210    6
…
6 records behind`,
  }).action(async (names: string[], options: { json?: boolean }) => {
    const { readLag, renderLag } = await import('../lag.ts')
    printResult(options, await readLag(names), renderLag)
  })
