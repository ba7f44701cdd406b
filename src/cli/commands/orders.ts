import type { Command } from 'commander'
import { parseCount, parseLine } from '../arguments.ts'
import { createCommand, createGroup } from '../command.ts'
import { printResult } from '../print.ts'

/** `sluice orders place | get | trace | import`. */
export const ordersCommand = (): Command =>
  createGroup('orders', 'Places, shows, traces and imports orders.', [
    placeCommand(),
    getCommand(),
    traceCommand(),
    importCommand(),
  ])

interface PlaceOptions {
  readonly json?: boolean
  readonly customer: string
  readonly idempotencyKey?: string
}

const placeCommand = (): Command =>
  createCommand('place <line...>', {
    description:
      'Places an order; a line is SKU:QUANTITY:PRICE, the price of one unit in minor units (cents).',
    example: `
$ sluice orders place 85123A:6:255 71053:1:339 --customer 17850
order 0198c0de-7a10-7000-8000-3f2b6c1d9e55 created: 2 lines, 18.69`,
  })
    .requiredOption('--customer <id>', 'who orders')
    .option('--idempotency-key <key>', 'a second order with this key changes nothing')
    .action(async (lines: string[], options: PlaceOptions) => {
      const { placeOrder } = await import('../shop.ts')
      const order = await placeOrder(options.customer, lines.map(parseLine), options.idempotencyKey)
      const { renderPlaced } = await import('../render-orders.ts')
      printResult(options, order, renderPlaced)
    })

const getCommand = (): Command =>
  createCommand('get <order>', {
    description: 'Shows an order and where it stands.',
    example: `
$ sluice orders get 0198c0de-7a10-7000-8000-3f2b6c1d9e55
order     0198c0de-7a10-7000-8000-3f2b6c1d9e55
customer  17850
status    confirmed
line      85123A x 6  15.30
line      71053 x 1  3.39
total     18.69`,
  }).action(async (orderId: string, options: { json?: boolean }) => {
    const { getOrder } = await import('../shop.ts')
    const { renderOrder } = await import('../render-orders.ts')
    printResult(options, await getOrder(orderId), renderOrder)
  })

interface TraceCommandOptions {
  readonly json?: boolean
  readonly timeout: number
}

const traceCommand = (): Command =>
  createCommand('trace <order>', {
    description:
      'Follows one order through Postgres, the outbox, the topics, the ledger and Cassandra, with times; says what is missing and ' +
      'what it waits for. Asks the servers themselves, and changes nothing. Exit code 1: no such order.',
    example: `
$ sluice orders trace 01a21572-dabc-73bf-9eac-498764277b5d
order 01a21572-dabc-73bf-9eac-498764277b5d  confirmed
customer 17850, 1 line, 15.30

2026-11-26 (UTC)
  01:22:58.364           accepted         POST /orders
         +3 ms    +3 ms  reserved         6 x 85123A, generation 0
         +9 ms    +6 ms  committed        order and outbox row (in the table)
        +17 ms    +8 ms  relayed          LSN 0/01C0B608  shop.public.outbox_event[2]@0
        +31 ms   +14 ms  order-created    order-created[2]@0
…
complete in 98 ms`,
  })
    .option('--timeout <seconds>', 'how long the log is read at most', parseCount, 20)
    .action(async (orderId: string, options: TraceCommandOptions) => {
      const { traceOrderOf } = await import('../trace-order.ts')
      const { renderTrace } = await import('../render-trace.ts')
      printResult(options, await traceOrderOf(orderId, options.timeout * 1_000), renderTrace)
    })

interface ImportCommandOptions {
  readonly json?: boolean
  readonly initialStock: number
  readonly inFlight: number
  readonly limit?: number
}

const importCommand = (): Command =>
  createCommand('import <file>', {
    description:
      'Sends the invoices of an Online Retail file (.csv or .csv.gz) to the order service; safe to repeat.',
    example: `
$ sluice orders import online-retail.csv.gz --limit 1000
read        1,000 invoices, 21,466 rows of online-retail.csv.gz
stock       3,680 SKUs with 1,000,000 units each, sellable after 39.8 s
orders      796 accepted, 0 rejected
            20,444 lines, 176,338 units, 422,558.40 in all
returns     110 accepted (282 adjustments, 11,705 units), 0 rejected
skipped     94 invoices (no order row left 94), 154 rows (price not positive 96, quantity not positive 58)
time        45.1 s of sending: 17.6 orders/s, 453.3 lines/s`,
  })
    .option('--initial-stock <units>', 'units that every SKU of the file gets first', parseCount, 1_000_000)
    .option('--limit <invoices>', 'stop after so many invoices of the file', parseCount)
    .option('--in-flight <invoices>', 'invoices sent at once, in file order', parseCount, 32)
    .action(async (file: string, options: ImportCommandOptions) => {
      const { runImport } = await import('../run-import.ts')
      const { renderImport } = await import('../render-import.ts')
      printResult(options, await runImport(file, options), renderImport)
    })
