import type { OrderCreated, OrderLine, OutboxEnvelope } from '../../../schemas/types.ts'
import { derivedId } from '../../../src/core/ids.ts'

/** Ids that are the same in every run. */
export const sequence = (): { next: () => string } => {
  let count = 0
  return { next: () => derivedId('test', 'sequence', count++) }
}

export const order = (orderId: string, lines: readonly OrderLine[], createdAt = 1_000): OrderCreated => ({
  orderId,
  customerId: 'customer',
  lines,
  totalMinor: lines.reduce((sum, line) => sum + line.amountMinor, 0),
  createdAt,
})

export const adjusted = (adjustmentId: string, sku: string, quantity: number, createdAt = 500) => ({
  adjustmentId,
  sku,
  quantity,
  reason: 'restock',
  mode: 'lwt',
  generation: null,
  createdAt,
})

/** The change event of an outbox row, as the relay writes it. */
export const outboxRow = (payload: OrderCreated | ReturnType<typeof adjusted>): OutboxEnvelope => {
  const isOrder = 'orderId' in payload
  const aggregateid = isOrder ? payload.orderId : payload.sku
  return {
    before: null,
    after: {
      id: derivedId(
        isOrder ? payload.orderId : payload.adjustmentId,
        isOrder ? 'OrderCreated' : 'StockAdjusted',
        0,
      ),
      aggregatetype: isOrder ? 'order' : 'stock',
      aggregateid,
      type: isOrder ? 'OrderCreated' : 'StockAdjusted',
      payload: JSON.stringify(payload),
    },
    source: {
      version: '0',
      connector: 'postgresql',
      name: 'shop',
      ts_ms: 1,
      snapshot: 'false',
      db: 'sluice',
      sequence: null,
      ts_us: 1_000,
      ts_ns: 1_000_000n,
      schema: 'public',
      table: 'outbox_event',
      txId: 1,
      lsn: 1,
      xmin: null,
      origin: null,
      origin_lsn: null,
    },
    transaction: null,
    op: 'c',
    ts_ms: 1,
    ts_us: 1_000,
    ts_ns: 1_000_000n,
  }
}
