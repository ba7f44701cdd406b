import { createHash } from 'node:crypto'
import type { OrderConfirmed, OrderCreated, OrderRejected } from '../../../schemas/types.ts'
import type { StockLevel, StockMovement, StockUpdate } from '../../../schemas/types.ts'

/** What became of one order, as text: equal texts are equal outcomes. */
interface OrderOutcome {
  created: string | undefined
  end: string | undefined
}

interface Tally {
  count: number
  units: number
  /** Sum of digests: equal sets have equal sums, whatever their order. */
  digest: bigint
}

/** What a run of the order flow has come to: per order, per SKU, and in sums. */
export interface FlowOutcome {
  readonly orders: Map<string, OrderOutcome>
  /** Numbers of each SKU's ledger; versions may come out in another order. */
  readonly levels: Map<string, string>
  /** Of events, by topic and type. */
  readonly tallies: Map<string, Tally>
}

export const emptyOutcome = (): FlowOutcome => ({ orders: new Map(), levels: new Map(), tallies: new Map() })

const orderIn = (outcome: FlowOutcome, orderId: string): OrderOutcome => {
  const known = outcome.orders.get(orderId)
  if (known !== undefined) return known
  const fresh = { created: undefined, end: undefined }
  outcome.orders.set(orderId, fresh)
  return fresh
}

const count = (outcome: FlowOutcome, name: string, identity: string, units: number): void => {
  const tally = outcome.tallies.get(name) ?? { count: 0, units: 0, digest: 0n }
  outcome.tallies.set(name, tally)
  tally.count++
  tally.units += units
  const digest = createHash('sha256').update(identity).digest().readBigUInt64BE()
  tally.digest = BigInt.asUintN(64, tally.digest + digest)
}

/** What each topic's records add to an outcome, by the topic's name. */
const absorbers: Readonly<Record<string, (outcome: FlowOutcome, value: never) => void>> = {
  'order-created': (outcome, order: OrderCreated) => {
    orderIn(outcome, order.orderId).created = JSON.stringify(order)
  },
  'order-confirmed': (outcome, order: OrderConfirmed) => {
    orderIn(outcome, order.orderId).end = `confirmed ${JSON.stringify(order)}`
  },
  'order-rejected': (outcome, { orderId, reasons }: OrderRejected) => {
    const words = reasons.map(({ code, sku }) => (sku === null ? code : `${code} ${sku}`)).toSorted()
    orderIn(outcome, orderId).end = `rejected (${words.join(', ')})`
  },
  'stock-movement': (outcome, { eventId, type, quantity }: StockMovement) => {
    count(outcome, `stock-movement ${type}`, `${eventId} ${quantity}`, quantity)
  },
  'stock-update': (outcome, { eventId, type, quantity }: StockUpdate) => {
    count(outcome, `stock-update ${type}`, `${eventId} ${quantity}`, quantity)
  },
}

/** The topics that an outcome is made of. */
export const outcomeTopics = Object.keys(absorbers)

/** The store whose entries are the SKUs' levels. */
export const levelStore = 'stock-ledger'

/** Adds one record of one of those topics. */
export const absorbRecord = (outcome: FlowOutcome, topic: string, value: unknown): void =>
  absorbers[topic]?.(outcome, value as never)

/** The last level of a SKU; undefined removes it. */
export const absorbLevel = (outcome: FlowOutcome, sku: string, level: StockLevel | undefined): void => {
  if (level === undefined) outcome.levels.delete(sku)
  else outcome.levels.set(sku, `on hand ${level.onHand}, reserved ${level.reserved}, sold ${level.sold}`)
}

/** The end of an order in a word or two. */
export const endText = (end: string | undefined): string =>
  end === undefined ? 'has no end' : end.startsWith('confirmed') ? 'is confirmed' : `is ${end}`
