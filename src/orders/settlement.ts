import type { StockUpdate } from '../../schemas/types.ts'
import type { Cassandra } from '../cassandra/client.ts'
import type { Clock } from '../core/clock.ts'
import type { CrashPoints } from '../core/crash-points.ts'
import { messageOf } from '../core/errors.ts'
import { mapLimited } from '../core/limited.ts'
import type { Logger } from '../core/log.ts'
import { createGenerations } from './reservation/generations.ts'
import { createKnownPartitions } from './reservation/known.ts'
import { patienceUntil } from './reservation/patience.ts'
import { pruneGenerations } from './reservation/prune.ts'
import { createStockStore } from './reservation/store.ts'
import type { StockStore } from './reservation/store.ts'
import { settleSku } from './settlement/settle-sku.ts'

export { settleOrders } from './settlement/settle-orders.ts'
export type { OrderEnd } from './settlement/settle-orders.ts'

/** How this process settles. */
export interface SettlementSettings {
  readonly clock: Clock
  readonly log: Logger
  /** SKUs settled at the same time. Default 32. */
  readonly parallelSkus?: number
  /** Updates of a SKU per conditional write. Default 1,000. */
  readonly mostUpdatesPerWrite?: number
  /** How long a turn may wait for Cassandra before it fails. Default 30,000. */
  readonly turnTimeoutMs?: number
  /** How long a closed generation stays at least. Default 600,000. */
  readonly generationGraceMs?: number | undefined
  /** How often a SKU is looked at for generations to delete. Default 60,000. */
  readonly pruneIntervalMs?: number | undefined
  readonly crash?: CrashPoints | undefined
}

/** Settings, and the connection to the keyspace that holds the stock. */
export interface SettlementOptions extends SettlementSettings {
  readonly cassandra: Cassandra
}

/** The settlement of stock: what the ledger decided becomes sales, releases and new stock in Cassandra. */
export interface Settlement {
  /**
   * Settles a turn's updates, whichever SKUs they are of: one conditional write per SKU. Idempotent.
   *
   * Rejects with `SLUICE_CASSANDRA_UNAVAILABLE` (settle the turn again) or `SLUICE_SETTLEMENT_GAP` (stop).
   *
   * @example await settlement.settleStock(messages.map(message => message.value))
   */
  settleStock(updates: readonly StockUpdate[]): Promise<void>
}

/** Settlement over a store. */
export const createSettlementOver = (store: StockStore, options: SettlementSettings): Settlement => {
  const { clock, log, crash } = options
  const mostUpdates = options.mostUpdatesPerWrite ?? 1_000
  const graceMs = options.generationGraceMs ?? 600_000
  const pruneIntervalMs = options.pruneIntervalMs ?? 60_000
  const generations = createGenerations(store)
  const known = createKnownPartitions(100_000)
  const context = { store, generations, known, log, crash }
  const prunedAt = new Map<string, number>()

  const pruneSometimes = async (sku: string): Promise<void> => {
    const now = clock.now()
    if ((known.get(sku)?.generation ?? 0) === 0) return
    if (now - (prunedAt.get(sku) ?? Number.NEGATIVE_INFINITY) < pruneIntervalMs) return
    prunedAt.set(sku, now)
    try {
      await pruneGenerations({ store, generations, clock, graceMs, crash }, sku)
    } catch (error) {
      log.warn(
        { sku, error: messageOf(error) },
        'old generations could not be deleted; a later turn tries again',
      )
    }
  }

  return {
    async settleStock(updates) {
      const settling = updates.filter(update => update.type !== 'reservation')
      const bySku = Map.groupBy(settling, update => update.sku)
      const deadline = clock.now() + (options.turnTimeoutMs ?? 30_000)
      await mapLimited([...bySku], options.parallelSkus ?? 32, async ([sku, all]) => {
        const patience = patienceUntil(clock, deadline, `settle SKU ${sku}`)
        const inOrder = all.toSorted((one, other) => one.version - other.version)
        for (let first = 0; first < inOrder.length; first += mostUpdates) {
          await settleSku(context, sku, inOrder.slice(first, first + mostUpdates), patience)
        }
        crash?.('settlement.after-sku')
        await pruneSometimes(sku)
      })
      if (bySku.size > 0) crash?.('settlement.after-stock')
    },
  }
}

/** Settlement over the tables of the connection's keyspace. */
export const createSettlement = (options: SettlementOptions): Settlement =>
  createSettlementOver(createStockStore(options.cassandra, options.clock), options)
