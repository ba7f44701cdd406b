import type { EntryAcceptance, EntryResult } from './accept-entry.ts'
import { newOrderId } from './entry-id.ts'
import type { EntryRepository } from './entry-repository.ts'
import { fingerprintOf } from './fingerprint.ts'
import { mergeLines, orderOf } from './order.ts'
import type { Order, OrderRequest } from './order.ts'

/** Takes an order, all lines or none. Rejects with the errors of Postgres and of the reservation. */
export type PlaceOrder = (request: OrderRequest, idempotencyKey?: string) => Promise<EntryResult<Order>>

/** @example const result = await placeOrder({ customerId: '17850', lines: [{ sku: '85123A', quantity: 6, unitPriceMinor: 255 }] }) */
export const createPlaceOrder =
  (acceptance: EntryAcceptance, orders: EntryRepository<Order>): PlaceOrder =>
  (request, key) => {
    const lines = mergeLines(request.lines)
    return acceptance.accept({
      newId: newOrderId,
      take: lines,
      build: (id, createdAt, reserved) => orderOf(id, createdAt, request.customerId, lines, reserved),
      repository: orders,
      idempotency:
        key === undefined ? undefined : { key, fingerprint: fingerprintOf('POST /orders', request) },
    })
  }
