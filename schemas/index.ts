import { readFileSync } from 'node:fs'

/** The topics whose value schema is in this folder, one `<topic>.avsc` each. */
export const topics = [
  'order-confirmed',
  'order-created',
  'order-rejected',
  'order-validated',
  'orders-line-decisions-repartition',
  'orders-order-gathering-changelog',
  'orders-outbox-events-changelog',
  'orders-stock-entries-changelog',
  'orders-stock-ledger-changelog',
  'shop.public.outbox_event',
  'stock-movement',
  'stock-update',
] as const

export type Topic = (typeof topics)[number]

const read = (topic: Topic): object =>
  JSON.parse(readFileSync(new URL(`${topic}.avsc`, import.meta.url), 'utf8')) as object

/**
 * The Avro schemas of the project, parsed, by topic; the TypeScript of their values is in `types.ts`.
 *
 * @example const orderCreated = avro<OrderCreated>('order-created-value', schemas['order-created'])
 */
export const schemas: Readonly<Record<Topic, object>> = Object.freeze({
  'order-confirmed': read('order-confirmed'),
  'order-created': read('order-created'),
  'order-rejected': read('order-rejected'),
  'order-validated': read('order-validated'),
  'orders-line-decisions-repartition': read('orders-line-decisions-repartition'),
  'orders-order-gathering-changelog': read('orders-order-gathering-changelog'),
  'orders-outbox-events-changelog': read('orders-outbox-events-changelog'),
  'orders-stock-entries-changelog': read('orders-stock-entries-changelog'),
  'orders-stock-ledger-changelog': read('orders-stock-ledger-changelog'),
  'shop.public.outbox_event': read('shop.public.outbox_event'),
  'stock-movement': read('stock-movement'),
  'stock-update': read('stock-update'),
})
