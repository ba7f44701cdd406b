import type { CrashPoints } from '../../core/crash-points.ts'
import type { Postgres } from '../../postgres/pool.ts'

/** How an order ended. */
export interface OrderEnd {
  readonly orderId: string
  readonly status: 'confirmed' | 'rejected'
  /** Event time, milliseconds since the epoch. */
  readonly at: number
}

// Ordered, so that two turns that meet lock the rows in the same order.
const statement = {
  name: 'settle-orders',
  text: `WITH ends AS (
           SELECT o.id, e.status, e.at
             FROM orders o JOIN unnest($1::uuid[], $2::text[], $3::timestamptz[]) AS e(id, status, at) ON o.id = e.id
            WHERE o.status = 'created'
            ORDER BY o.id
              FOR UPDATE OF o)
         UPDATE orders SET status = ends.status, updated_at = ends.at FROM ends WHERE orders.id = ends.id`,
}

/**
 * Sets the status of ended orders, one statement for a whole turn. An order that has ended keeps its end, so a repeated or
 * late turn changes nothing. Rejects with `SLUICE_POSTGRES_*`.
 */
export const settleOrders = async (
  ends: readonly OrderEnd[],
  postgres: Pick<Postgres, 'query'>,
  crash?: CrashPoints,
): Promise<void> => {
  const first = new Map<string, OrderEnd>()
  for (const end of ends) if (!first.has(end.orderId)) first.set(end.orderId, end)
  const distinct = [...first.values()]
  if (distinct.length === 0) return
  await postgres.query(statement, [
    distinct.map(end => end.orderId),
    distinct.map(end => end.status),
    distinct.map(end => new Date(end.at)),
  ])
  crash?.('settlement.after-orders')
}
