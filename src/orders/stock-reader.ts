import type { Cassandra } from '../cassandra/client.ts'
import type { CassandraRow } from '../cassandra/values.ts'
import type { Clock } from '../core/clock.ts'
import type { StockReader } from './stock-view.ts'
import { createActiveTarget, createViewRoutes } from './view-routing.ts'
import { own, tableIn, type ViewTarget } from './view-target.ts'

const ledgerQuery = (target: ViewTarget): string =>
  `SELECT on_hand, reserved, sold, version, updated_at FROM ${tableIn(target)('stock_state')} WHERE sku = ?`
const pingQuery = 'SELECT release_version FROM system.local'

/**
 * Reads the views of the keyspace that is active (`view_routing`), which it looks up at most once a second.
 *
 * @example const stockReader = createStockReader(cassandra, systemClock); await stockReader.ledger('85123A')
 */
export const createStockReader = (cassandra: Cassandra, clock: Pick<Clock, 'now'>): StockReader => {
  const active = createActiveTarget(createViewRoutes(cassandra), clock)
  const stateOf = async (sku: string): Promise<CassandraRow | undefined> => {
    const read = async (target: ViewTarget): Promise<readonly CassandraRow[]> =>
      cassandra.read({ query: ledgerQuery(target), params: [sku] }, 'quorum')
    const target = await active.get()
    try {
      return (await read(target))[0]
    } catch (error) {
      // A replay that was switched away from may be gone.
      active.forget()
      const current = await active.get()
      if (target === own || current === target) throw error
      return (await read(current))[0]
    }
  }
  return {
    ledger: async sku => {
      const row = await stateOf(sku)
      if (row === undefined) return undefined
      return {
        sku,
        onHand: Number(row['on_hand'] ?? 0),
        reserved: Number(row['reserved'] ?? 0),
        sold: Number(row['sold'] ?? 0),
        version: Number(row['version'] ?? 0),
        updatedAt: row['updated_at'] instanceof Date ? row['updated_at'].getTime() : 0,
      }
    },
    ping: async () => {
      await cassandra.read({ query: pingQuery, params: [] }, 'quorum')
    },
  }
}
