import { utf8 } from '../src/codec/serde.ts'
import { avroFormat, store, topic } from '../src/streams/dsl/index.ts'
import { schemas } from '../schemas/index.ts'
import type {
  OrderConfirmed,
  OrderCreated,
  OrderGathering,
  OrderRejected,
  OrderValidated,
  OutboxEnvelope,
  SeenEvent,
  StockEntry,
  StockLevel,
  StockMovement,
  StockUpdate,
} from '../schemas/types.ts'

const millisecondsPerDay = 86_400_000

/** How long ended orders and applied events are remembered, in event time; a copy that comes later is taken for new. */
const memoryMs = 30 * millisecondsPerDay

// Keyed by order id.
export const outboxEvent = topic('shop.public.outbox_event', {
  key: utf8,
  value: avroFormat<OutboxEnvelope>(schemas['shop.public.outbox_event']),
  // Debezium writes one behind each deletion, and pruning the outbox deletes.
  nullValues: 'ignore',
})
export const orderCreated = topic('order-created', {
  key: utf8,
  value: avroFormat<OrderCreated>(schemas['order-created']),
})
export const orderValidated = topic('order-validated', {
  key: utf8,
  value: avroFormat<OrderValidated>(schemas['order-validated']),
})
export const orderConfirmed = topic('order-confirmed', {
  key: utf8,
  value: avroFormat<OrderConfirmed>(schemas['order-confirmed']),
})
export const orderRejected = topic('order-rejected', {
  key: utf8,
  value: avroFormat<OrderRejected>(schemas['order-rejected']),
})

// Keyed by SKU.
export const stockMovement = topic('stock-movement', {
  key: utf8,
  value: avroFormat<StockMovement>(schemas['stock-movement']),
  eventId: movement => movement.eventId,
})
export const stockUpdate = topic('stock-update', {
  key: utf8,
  value: avroFormat<StockUpdate>(schemas['stock-update']),
  eventId: update => update.eventId,
})

/** The ledger's decisions on lines, on their way back to their orders. */
export const lineDecisions = {
  key: utf8,
  value: avroFormat<StockUpdate>(schemas['orders-line-decisions-repartition']),
}

export const stockLevels = store('stock-ledger', {
  key: utf8,
  value: avroFormat<StockLevel>(schemas['orders-stock-ledger-changelog']),
})
export const stockEntries = store('stock-entries', {
  key: utf8,
  value: avroFormat<StockEntry>(schemas['orders-stock-entries-changelog']),
  retentionMs: memoryMs,
  // Units that are reserved belong to an order in flight.
  isEnded: ({ state }) => state !== 'reserved',
})
export const gatherings = store('order-gathering', {
  key: utf8,
  value: avroFormat<OrderGathering>(schemas['orders-order-gathering-changelog']),
  retentionMs: memoryMs,
  isEnded: ({ ended }) => ended,
})

/** The memory of the step that drops second copies of outbox events. */
export const seenEvents = {
  key: utf8,
  value: avroFormat<SeenEvent>(schemas['orders-outbox-events-changelog']),
  retentionMs: memoryMs,
}
