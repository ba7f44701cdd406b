import type { Command } from 'commander'
import { parseInteger } from '../arguments.ts'
import { createCommand, createGroup } from '../command.ts'
import { printResult } from '../print.ts'

/** `sluice stock get | adjust`. */
export const stockCommand = (): Command =>
  createGroup('stock', 'Shows and changes how much there is of a SKU.', [getCommand(), adjustCommand()])

const getCommand = (): Command =>
  createCommand('get <sku>', {
    description: 'Shows what can be sold of a SKU now, and what the ledger says of it.',
    example: `
$ sluice stock get 85123A
can be sold  994 (mode lwt)
ledger       on hand 1,000, reserved 6, sold 0 (version 2)`,
  }).action(async (sku: string, options: { json?: boolean }) => {
    const { getStock } = await import('../shop.ts')
    const { renderStock } = await import('../render-orders.ts')
    printResult(options, await getStock(sku), renderStock)
  })

interface AdjustOptions {
  readonly json?: boolean
  readonly reason: string
  readonly idempotencyKey?: string
}

const adjustCommand = (): Command =>
  createCommand('adjust <sku> <quantity>', {
    description: 'Adds units to a SKU, or takes some away (put -- before a negative quantity).',
    example: `
$ sluice stock adjust 85123A 1000 --reason restock
85123A: +1,000 units (restock) on their way; they can be sold once the ledger has seen them
$ sluice stock adjust --reason damaged -- 85123A -3`,
  })
    .option('--reason <text>', 'why, as the history will show it', 'restock')
    .option('--idempotency-key <key>', 'a second adjustment with this key changes nothing')
    .action(async (sku: string, quantity: string, options: AdjustOptions) => {
      const { adjustStock } = await import('../shop.ts')
      const { renderAdjusted } = await import('../render-orders.ts')
      const adjusted = await adjustStock(sku, parseInteger(quantity), options.reason, options.idempotencyKey)
      printResult(options, adjusted, renderAdjusted)
    })
