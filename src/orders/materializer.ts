import type { StockUpdate } from '../../schemas/types.ts'
import type { Cassandra, Statement } from '../cassandra/client.ts'
import type { CrashPoints } from '../core/crash-points.ts'
import { mapLimited } from '../core/limited.ts'

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
  /** Partitions written at the same time. Default 64. */
  readonly parallelWrites?: number
  readonly crash?: CrashPoints | undefined
}

// Cassandra warns at batches above 5 KiB and refuses them above 50: a row of history takes up to some 250 bytes.
const mostRowsPerBatch = 20

const stateStatement = `INSERT INTO stock_state (sku, on_hand, reserved, sold, version, updated_at)
  VALUES (?, ?, ?, ?, ?, ?) USING TIMESTAMP ?`
const updateStatement = `INSERT INTO stock_update (sku, bucket, version, event_id, order_id, type, quantity, on_hand, reserved, sold, at)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) USING TIMESTAMP ?`

/** The history's partition: the UTC day of the event, never of the writing. */
export const bucketOf = (atMs: number): string => new Date(atMs).toISOString().slice(0, 10)

const stateOf = (update: StockUpdate): Statement => ({
  query: stateStatement,
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

const historyOf = (update: StockUpdate): Statement => ({
  query: updateStatement,
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
export const writesOf = (updates: readonly StockUpdate[]): Statement[][] => {
  const last = new Map<string, StockUpdate>()
  for (const update of updates) {
    if (update.version > (last.get(update.sku)?.version ?? 0)) last.set(update.sku, update)
  }
  const writes = [...last.values()].map(update => [stateOf(update)])
  const partitions = Map.groupBy(updates, update => `${bucketOf(update.at)} ${update.sku}`)
  for (const partition of partitions.values()) {
    for (let first = 0; first < partition.length; first += mostRowsPerBatch) {
      writes.push(partition.slice(first, first + mostRowsPerBatch).map(historyOf))
    }
  }
  return writes
}

/** The materializer over the tables of the connection's keyspace. */
export const createMaterializer = ({
  cassandra,
  parallelWrites = 64,
  crash,
}: MaterializerOptions): Materializer => ({
  async materialize(updates) {
    await mapLimited(writesOf(updates), parallelWrites, async group => {
      const [first] = group
      if (first !== undefined && group.length === 1) await cassandra.write(first)
      else await cassandra.writeBatch(group)
      crash?.('materializer.after-write')
    })
    if (updates.length > 0) crash?.('materializer.after-all')
  },
})
