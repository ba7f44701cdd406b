import type { Cassandra } from '../cassandra/client.ts'
import type { StockReader } from './stock-view.ts'

const ledgerQuery = 'SELECT on_hand, reserved, sold, version, updated_at FROM stock_state WHERE sku = ?'
const pingQuery = 'SELECT release_version FROM system.local'

/** @example const stockReader = createStockReader(cassandra); await stockReader.ledger('85123A') */
export const createStockReader = (cassandra: Cassandra): StockReader => ({
  ledger: async sku => {
    const [row] = await cassandra.read({ query: ledgerQuery, params: [sku] }, 'quorum')
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
})
