import { SluiceError } from '../src/core/errors.ts'
import type { OrderCreated, OutboxEnvelope, StockMovement } from '../schemas/types.ts'

/** A row of the outbox as the change stream gives it. */
export type OutboxRow = NonNullable<OutboxEnvelope['after']>

/** The row that a change brought in: inserted, or found by a snapshot. Updates and deletions of the outbox mean nothing. */
export const insertedRow = ({ op, after }: OutboxEnvelope): OutboxRow | null =>
  op === 'c' || op === 'r' ? after : null

const payloadOf = (row: OutboxRow): unknown => {
  try {
    return JSON.parse(row.payload ?? '')
  } catch (cause) {
    throw new SluiceError({
      code: 'SLUICE_OUTBOX_PAYLOAD_INVALID',
      message: `outbox event ${row.id} of type ${row.type} has a payload that is no JSON`,
      remedy: 'find out who wrote the row; the column is jsonb, so the change stream was tampered with',
      details: { eventId: row.id },
      cause,
    })
  }
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** The order of an `OrderCreated` row. Errors: SLUICE_OUTBOX_PAYLOAD_INVALID where its id is none, or not the row's. */
export const orderOf = (row: OutboxRow): OrderCreated => {
  const order = payloadOf(row) as OrderCreated | null
  const orderId: unknown = order?.orderId
  if (order !== null && orderId === row.aggregateid && uuid.test(row.aggregateid)) return order
  throw new SluiceError({
    code: 'SLUICE_OUTBOX_PAYLOAD_INVALID',
    message: `outbox event ${row.id} of order ${row.aggregateid} carries the order ${JSON.stringify(orderId)}`,
    remedy: 'find out who wrote the row: both are the same UUID',
    details: { eventId: row.id },
  })
}

/** What a `StockAdjusted` row carries. */
interface StockAdjusted {
  readonly adjustmentId: string
  readonly sku: string
  readonly quantity: number
  readonly reason: string
  readonly mode: string
  readonly generation: number | null
  readonly createdAt: number
}

/** The ledger's event of a `StockAdjusted` row. */
export const adjustmentOf = (row: OutboxRow): StockMovement => {
  const adjusted = payloadOf(row) as StockAdjusted
  return {
    eventId: adjusted.adjustmentId,
    type: 'adjustment',
    sku: adjusted.sku,
    orderId: null,
    quantity: adjusted.quantity,
    mode: adjusted.mode,
    generation: adjusted.generation,
    reason: adjusted.reason,
    at: adjusted.createdAt,
  }
}
