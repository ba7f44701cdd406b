import type { StockUpdate } from '../../schemas/types.ts'
import type { Cassandra, Statement } from '../cassandra/client.ts'
import type { CrashPoints } from '../core/crash-points.ts'
import { mapLimited } from '../core/limited.ts'
import { own, tableIn, unqualified, type TableOf, type ViewTarget } from './view-target.ts'

/** Writes what the ledger said into the tables that are read: `stock_state` and `stock_update`. */
export interface Materializer {
  /**
   * Writes a turn. Every row bears the ledger's version as its timestamp, so a repeated, late or former owner's turn
   * changes nothing. Rejects with `SLUICE_CASSANDRA_*`.
   *
   * @example await materializer.materialize(messages.map(message => message.value))
   */
  materialize(updates: readonly StockUpdate[]): Promise<void>
}

/** How this process materializes. */
export interface MaterializerOptions {
  readonly cassandra: Cassandra
  /** Where to write, asked once per turn. Default: the connection's keyspace alone. */
  readonly targets?: () => Promise<readonly ViewTarget[]>
  /** Partitions written at the same time. Default 64. */
  readonly parallelWrites?: number
  readonly crash?: CrashPoints | undefined
}

// Cassandra warns at batches above 5 KiB and refuses them above 50: a row of history takes up to some 250 bytes.
const mostRowsPerBatch = 20

const stateStatement = (table: TableOf): string => `INSERT INTO ${table('stock_state')}
  (sku, on_hand, reserved, sold, version, updated_at)
  VALUES (?, ?, ?, ?, ?, ?) USING TIMESTAMP ?`
const updateStatement = (table: TableOf): string => `INSERT INTO ${table('stock_update')}
  (sku, bucket, version, event_id, order_id, type, quantity, on_hand, reserved, sold, at)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) USING TIMESTAMP ?`

/** The history's partition: the UTC day of the event, never of the writing. */
export const bucketOf = (atMs: number): string => new Date(atMs).toISOString().slice(0, 10)

const stateOf = (update: StockUpdate, table: TableOf): Statement => ({
  query: stateStatement(table),
  params: [
    update.sku,
    BigInt(update.onHand),
    BigInt(update.reserved),
    BigInt(update.sold),
    BigInt(update.version),
    new Date(update.at),
    BigInt(update.version),
  ],
})

const historyOf = (update: StockUpdate, table: TableOf): Statement => ({
  query: updateStatement(table),
  params: [
    update.sku,
    bucketOf(update.at),
    BigInt(update.version),
    update.eventId,
    update.orderId ?? undefined,
    update.type,
    BigInt(update.quantity),
    BigInt(update.onHand),
    BigInt(update.reserved),
    BigInt(update.sold),
    new Date(update.at),
    BigInt(update.version),
  ],
})

/** A turn's writes, each group for one partition: all of the history, and of each SKU's states the last. */
export const writesOf = (updates: readonly StockUpdate[], table: TableOf = unqualified): Statement[][] => {
  const last = new Map<string, StockUpdate>()
  for (const update of updates) {
    if (update.version > (last.get(update.sku)?.version ?? 0)) last.set(update.sku, update)
  }
  const writes = [...last.values()].map(update => [stateOf(update, table)])
  const partitions = Map.groupBy(updates, update => `${bucketOf(update.at)} ${update.sku}`)
  for (const partition of partitions.values()) {
    for (let first = 0; first < partition.length; first += mostRowsPerBatch) {
      writes.push(partition.slice(first, first + mostRowsPerBatch).map(update => historyOf(update, table)))
    }
  }
  return writes
}

/**
 * The materializer over the tables of the connection's keyspace, or of all those that are attached. Once per turn it is asked which
 * those are, after the turn's records were read: so a keyspace that is attached gets every update that comes to lie on the log from then on.
 */
export const createMaterializer = ({
  cassandra,
  targets = async () => [own],
  parallelWrites = 64,
  crash,
}: MaterializerOptions): Materializer => {
  const writeTo = async (target: ViewTarget, updates: readonly StockUpdate[]): Promise<void> => {
    await mapLimited(writesOf(updates, tableIn(target)), parallelWrites, async group => {
      const [first] = group
      if (first !== undefined && group.length === 1) await cassandra.write(first)
      else await cassandra.writeBatch(group)
      crash?.('materializer.after-write')
    })
  }
  const writeToOther = async (target: ViewTarget, updates: readonly StockUpdate[]): Promise<void> => {
    try {
      await writeTo(target, updates)
    } catch (error) {
      // One that was let go of while this turn wrote to it may be gone already.
      if ((await targets()).includes(target)) throw error
    }
  }
  return {
    async materialize(updates) {
      if (updates.length === 0) return
      for (const target of await targets()) {
        await (target === own ? writeTo(target, updates) : writeToOther(target, updates))
      }
      crash?.('materializer.after-all')
    },
  }
}
