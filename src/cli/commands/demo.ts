import type { Command } from 'commander'
import { parseCount } from '../arguments.ts'
import { createCommand } from '../command.ts'
import { printResult } from '../print.ts'

/** `sluice demo`. */
export const demoCommand = (): Command =>
  createCommand('demo', {
    description:
      'Starts everything, sends some thousands of orders, waits for their ends and checks the books.',
    example: `
$ sluice demo --orders 3000
$ sluice demo --keep        # leaves it running and says where`,
  })
    .option('--orders <count>', 'orders to send', parseCount, 3_000)
    .option('--keep', 'leave servers, service, relay and workers running')
    .option('--seed <number>', 'another one gives other orders', parseCount, 1)
    .action(async (options: { json?: boolean; orders: number; keep?: boolean; seed: number }) => {
      const { runDemo } = await import('../demo/run.ts')
      const { renderDemo } = await import('../demo/render.ts')
      const result = await runDemo({
        orders: options.orders,
        keep: options.keep === true,
        seed: options.seed,
      })
      printResult(options, result, renderDemo)
      if (!result.ok) process.exitCode = 1
    })
