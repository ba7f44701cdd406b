import { derivedId } from '../core/ids.ts'
import type { Adjustment } from './adjustment.ts'
import type { Order, OrderLine } from './order.ts'

/** A row of `outbox_event`; the columns are Debezium's, so that its connector can replace our relay. */
export interface OutboxEvent {
  readonly id: string
  readonly aggregatetype: 'order' | 'stock'
  /** Becomes the record's key. */
  readonly aggregateid: string
  readonly type: 'OrderCreated' | 'StockAdjusted'
  readonly payload: OrderCreatedPayload | StockAdjustedPayload
}

interface OrderCreatedPayload {
  readonly orderId: string
  readonly customerId: string
  readonly lines: readonly OrderLine[]
  readonly totalMinor: number
  /** Milliseconds since the epoch. */
  readonly createdAt: number
}

interface StockAdjustedPayload extends Omit<Adjustment, 'id'> {
  readonly adjustmentId: string
}

/** The event that announces an accepted order. */
export const orderCreated = (order: Order): OutboxEvent => ({
  id: derivedId(order.id, 'OrderCreated', 0),
  aggregatetype: 'order',
  aggregateid: order.id,
  type: 'OrderCreated',
  payload: {
    orderId: order.id,
    customerId: order.customerId,
    lines: order.lines,
    totalMinor: order.totalMinor,
    createdAt: order.createdAt,
  },
})

/** The event that announces an accepted adjustment. */
export const stockAdjusted = ({ id, ...adjustment }: Adjustment): OutboxEvent => ({
  id: derivedId(id, 'StockAdjusted', 0),
  aggregatetype: 'stock',
  aggregateid: adjustment.sku,
  type: 'StockAdjusted',
  payload: { adjustmentId: id, ...adjustment },
})
