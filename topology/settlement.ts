import { mapValue, effect, from, topology } from '../src/streams/dsl/index.ts'
import { orderConfirmed, orderRejected, stockUpdate } from './topics.ts'

const idempotent = 'an order that has ended keeps its end'

/**
 * Tells the tables that orders are placed against what the ledger decided: reservations become sales or go back, credits can be
 * sold, and the order's row gets its end.
 */
export const settlement = topology(
  'settlement',
  {
    'settle-stock': from(stockUpdate).pipe(
      effect('settle-stock', { idempotent: 'an update at or before the settled version changes nothing' }),
    ),
    'settle-confirmed': from(orderConfirmed).pipe(
      mapValue(({ orderId, confirmedAt }) => ({ orderId, status: 'confirmed' as const, at: confirmedAt })),
      effect('settle-orders', { idempotent }),
    ),
    'settle-rejected': from(orderRejected).pipe(
      mapValue(({ orderId, rejectedAt }) => ({ orderId, status: 'rejected' as const, at: rejectedAt })),
      effect('settle-orders', { idempotent }),
    ),
  },
  {
    failures: {
      // An order's end stands for itself, so a bad one is parked.
      default: 'dead-letter',
      // Each update of a SKU follows on the one before it (settlesAfter). Without a parked one none behind it could be settled, and a
      // retry would come behind them: so the worker stops, and nothing is counted wrongly.
      steps: { 'stock-update-source': 'fail', 'settle-stock': 'fail' },
    },
  },
)
