import { mapValue, effect, from, topology } from '../src/streams/dsl/index.ts'
import { orderConfirmed, orderRejected, stockUpdate } from './topics.ts'

/**
 * Tells the tables that orders are placed against what the ledger decided: reservations become sales or go back, credits can be
 * sold, and the order's row gets its end.
 */
export const settlement = topology('settlement', {
  'settle-stock': from(stockUpdate).pipe(effect('settle-stock')),
  'settle-confirmed': from(orderConfirmed).pipe(
    mapValue(({ orderId, confirmedAt }) => ({ orderId, status: 'confirmed' as const, at: confirmedAt })),
    effect('settle-orders'),
  ),
  'settle-rejected': from(orderRejected).pipe(
    mapValue(({ orderId, rejectedAt }) => ({ orderId, status: 'rejected' as const, at: rejectedAt })),
    effect('settle-orders'),
  ),
})
