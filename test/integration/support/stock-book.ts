import type { StockUpdate } from '../../../schemas/types.ts'
import type { Cassandra } from '../../../src/cassandra/client.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { newId } from '../../../src/core/ids.ts'
import { createGenerations } from '../../../src/orders/reservation/generations.ts'
import type { StockRow } from '../../../src/orders/reservation/partition.ts'
import { createStockStore } from '../../../src/orders/reservation/store.ts'

/** What a SKU's partitions hold, over all generations. */
export interface StockBook {
  readonly available: number
  readonly adjusted: number
  readonly sold: number
  readonly settledVersion: number
  readonly generation: number
  /** Generations that still exist. */
  readonly generations: number
  readonly held: number
  readonly rows: readonly (StockRow & { readonly generation: number })[]
}

/** Reads everything of a SKU. */
export const readBook = async (cassandra: Cassandra, sku: string): Promise<StockBook> => {
  const store = createStockStore(cassandra, systemClock)
  const generations = createGenerations(store)
  const { partition } = await generations.current(sku, [], 'serial')
  if (partition === undefined) throw new Error(`SKU ${sku} was never stocked`)
  const existing = [partition.generation]
  for await (const older of generations.earlier(sku, partition.generation, [])) {
    existing.push(older.partition?.generation ?? 0)
  }
  const rows: (StockRow & { generation: number })[] = []
  for (const generation of existing) {
    for await (const row of store.rows(sku, generation)) rows.push({ ...row, generation })
  }
  const held = rows.filter(row => row.state === 'held').reduce((sum, row) => sum + row.quantity, 0)
  const { available, adjusted, sold, settledVersion, generation } = partition
  return { available, adjusted, sold, settledVersion, generation, generations: existing.length, held, rows }
}

/** A ledger update with what settlement looks at; the rest is filled in. */
export const stockUpdate = (
  update: Pick<StockUpdate, 'sku' | 'version' | 'type' | 'quantity'> & Partial<StockUpdate>,
): StockUpdate => ({
  eventId: newId(),
  orderId: null,
  onHand: 0,
  reserved: 0,
  sold: 0,
  mode: 'lwt',
  generation: null,
  settlesAfter: update.version - 1,
  reason: null,
  at: Date.UTC(2011, 0, 4),
  ...update,
})

/** The ledger's first word on a SKU. */
export const initialStock = (sku: string, quantity: number): StockUpdate =>
  stockUpdate({ sku, version: 1, type: 'adjustment', quantity, onHand: quantity, reason: 'initial' })
