import type { Cassandra } from '../../cassandra/client.ts'
import { integer, optionalInteger, optionalText, optionalTime } from '../../cassandra/values.ts'
import type { OrderLine } from '../order.ts'
import { bucketOf } from '../materializer.ts'
import { intentBucketOf } from '../reservation/intents.ts'
import type { StockUpdate } from '../../../schemas/types.ts'

/** The row that holds, or held, a line's units. Times in milliseconds since the epoch. */
export interface StockRowEvidence {
  readonly sku: string
  readonly generation: number
  readonly state: string
  readonly quantity: number
  readonly reservedAt: number | undefined
  /** Ledger version that ended it. */
  readonly settledBy: number | undefined
  /** When its state was last written. */
  readonly writtenAt: number
}

/** A line's reservation: its row, or how it stands with the generation where it should be. */
export interface ReservationEvidence {
  readonly sku: string
  readonly row: StockRowEvidence | undefined
  /** False where the generation was deleted since. */
  readonly hasGeneration: boolean
}

const rowQuery = `SELECT entry, quantity, state, at, settled_by, version, WRITETIME(state) AS written
  FROM stock WHERE sku = ? AND generation = ? AND entry IN ?`
const intentQuery = 'SELECT skus, created_at FROM reservation_intent WHERE bucket = ? AND order_id = ?'
const historyQuery = 'SELECT version FROM stock_update WHERE sku = ? AND bucket = ? AND version = ?'

/** Rejects with `SLUICE_CASSANDRA_*`. */
export const readReservation = async (
  cassandra: Pick<Cassandra, 'read'>,
  orderId: string,
  { sku, generation }: Pick<OrderLine, 'sku' | 'generation'>,
): Promise<ReservationEvidence | undefined> => {
  if (generation === null) return undefined
  // The sentinel's row (entry '') shows that the generation is there.
  const query = { query: rowQuery, params: [sku, generation, ['', orderId]] }
  const rows = await cassandra.read(query, 'quorum')
  const row = rows.find(({ entry }) => entry === orderId)
  return {
    sku,
    hasGeneration: rows.some(({ entry }) => entry === ''),
    row: row && {
      sku,
      generation,
      state: optionalText(row, 'state') ?? '?',
      quantity: optionalInteger(row, 'quantity') ?? 0,
      reservedAt: optionalTime(row, 'at'),
      settledBy: optionalInteger(row, 'settled_by'),
      writtenAt: Math.floor(integer(row, 'written') / 1_000),
    },
  }
}

/** The order's intent, recorded at about this time; it is removed once the order is committed or given back. */
export const readIntent = async (
  cassandra: Pick<Cassandra, 'read'>,
  orderId: string,
  atMs: number,
): Promise<{ readonly skus: readonly string[]; readonly at: number } | undefined> => {
  // An id is made a moment before its intent.
  for (const bucket of new Set([intentBucketOf(atMs), intentBucketOf(atMs + 1_000)])) {
    const [row] = await cassandra.read({ query: intentQuery, params: [new Date(bucket), orderId] }, 'quorum')
    if (row === undefined) continue
    const skus = Array.isArray(row['skus']) ? row['skus'].map(String) : []
    return { skus, at: optionalTime(row, 'created_at') ?? bucket }
  }
  return undefined
}

/** Whether the history holds an update. */
export const isInHistory = async (
  cassandra: Pick<Cassandra, 'read'>,
  { sku, at, version }: Pick<StockUpdate, 'sku' | 'at' | 'version'>,
): Promise<boolean> => {
  const params = [sku, bucketOf(at), BigInt(version)]
  return (await cassandra.read({ query: historyQuery, params }, 'quorum')).length > 0
}
