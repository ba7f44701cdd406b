import { derivedId } from '../src/core/ids.ts'
import type { OrderLine, StockMovement } from '../schemas/types.ts'

/** What the ledger is told of one line of an order; its id follows from the order, the step and the SKU. */
export const movementOf = (
  type: 'line' | 'sale' | 'release',
  orderId: string,
  line: OrderLine,
  at: number,
): StockMovement => ({
  eventId: derivedId(orderId, type, line.sku),
  type,
  sku: line.sku,
  orderId,
  quantity: line.quantity,
  mode: line.mode,
  generation: line.generation,
  reason: null,
  at,
})
