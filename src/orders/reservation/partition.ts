import type { CassandraRow } from '../../cassandra/values.ts'
import { integer, optionalInteger, optionalText, optionalTime, text } from '../../cassandra/values.ts'
import type { ReservationMode } from './types.ts'

/** The static columns of one generation of a SKU; every conditional write replaces them as a whole. */
export interface StockPartition {
  readonly sku: string
  readonly generation: number
  /** Units that can be sold. */
  readonly available: number
  /** One more with every conditional write, carried over generations: a write on an old version can never apply. */
  readonly version: number
  readonly mode: ReservationMode
  /** Last version of the ledger that settlement has counted. */
  readonly settledVersion: number
  /** Sum of the settled adjustments. */
  readonly adjusted: number
  /** Sum of the settled sales. */
  readonly sold: number
  /** Rows inserted in this generation. */
  readonly entries: number
  /** Statics of a closed generation never change again: they are the carry of the next. */
  readonly closed: boolean
}

/** What a row is for. */
export type StockRowKind = 'sentinel' | 'reservation' | 'give-back'

/** Whether a row's units are still set aside, or how they ended. */
export type StockRowState = 'held' | 'sold' | 'released' | 'adjusted'

/** A row of a generation. */
export interface StockRow {
  /** Order id, adjustment id, or `give-back:<order id>`. */
  readonly entry: string
  readonly kind: StockRowKind
  readonly quantity: number
  readonly state: StockRowState
  /** The ledger version that ended the row; null while held, or when it was given back before the commit. */
  readonly settledBy: number | null
}

/** What one linearizable look at a generation showed: its statics, and those of the asked rows that exist. */
export interface StockSnapshot {
  /** Undefined when the generation does not exist (not yet, or no longer). */
  readonly partition: StockPartition | undefined
  readonly rows: ReadonlyMap<string, StockRow>
  /** When the generation was opened, in epoch milliseconds; known only where the sentinel was read. */
  readonly openedAt: number | undefined
}

/** The sentinel's clustering key: sorts before every other, and is never deleted alone. */
export const sentinelEntry = ''

/** The row that records a give-back whose own row lies in a closed generation. */
export const giveBackEntry = (entry: string): string => `give-back:${entry}`

const partitionOf = (row: CassandraRow, sku: string, generation: number): StockPartition => ({
  sku,
  generation,
  available: integer(row, 'available'),
  version: integer(row, 'version'),
  // A mode of a later release stays what it is, so that it is refused by name.
  mode: text(row, 'mode') as ReservationMode,
  settledVersion: integer(row, 'settled_version'),
  adjusted: integer(row, 'adjusted'),
  sold: integer(row, 'sold'),
  entries: integer(row, 'entries'),
  closed: row.closed === true,
})

/** Reads a query's rows, or those that a refused conditional write returned. */
export const snapshotOf = (rows: readonly CassandraRow[], sku: string, generation: number): StockSnapshot => {
  const withStatics = rows.find(row => row.version !== null && row.version !== undefined)
  const sentinel = rows.find(row => row.entry === sentinelEntry)
  const entries = new Map<string, StockRow>()
  for (const row of rows) {
    const entry = optionalText(row, 'entry')
    const state = optionalText(row, 'state')
    if (entry === undefined || entry === sentinelEntry || state === undefined) continue
    entries.set(entry, {
      entry,
      kind: (optionalText(row, 'kind') ?? 'reservation') as StockRowKind,
      quantity: optionalInteger(row, 'quantity') ?? 0,
      state: state as StockRowState,
      settledBy: optionalInteger(row, 'settled_by') ?? null,
    })
  }
  return {
    partition: withStatics === undefined ? undefined : partitionOf(withStatics, sku, generation),
    rows: entries,
    openedAt: sentinel === undefined ? undefined : optionalTime(sentinel, 'at'),
  }
}

/** What the next generation begins with. */
export const carryOf = (closed: StockPartition): StockPartition => ({
  ...closed,
  generation: closed.generation + 1,
  entries: 0,
  closed: false,
})
