import { isDeepStrictEqual } from 'node:util'
import type { ReservedLine } from '../../../src/orders/reservation/types.ts'
import type { StockPartition, StockRow } from '../../../src/orders/reservation/partition.ts'
import type { RowChange } from '../../../src/orders/reservation/store.ts'

/** One request to a server, as data: executed at one moment, whole or not at all. */
export type Operation = StockOperation | OrdersOperation | IntentsOperation

export type StockOperation = { readonly table: 'stock'; readonly sku: string } & (
  | { readonly does: 'read'; readonly generation: number; readonly entries: readonly string[] }
  | {
      readonly does: 'change'
      readonly from: StockPartition
      readonly to: StockPartition
      readonly rows: readonly RowChange[]
    }
  | { readonly does: 'open'; readonly partition: StockPartition }
  | { readonly does: 'end-rows'; readonly generation: number; readonly rows: readonly RowSet[] }
  | { readonly does: 'hint' }
  | { readonly does: 'set-hint'; readonly generation: number }
)

export type OrdersOperation = { readonly table: 'orders'; readonly id: string } & (
  { readonly does: 'commit'; readonly lines: readonly ReservedLine[] } | { readonly does: 'abandon' }
)

export interface IntentsOperation {
  readonly table: 'intents'
  readonly id: string
  readonly does: 'record' | 'remove'
}

type RowSet = Omit<Extract<RowChange, { change: 'set' }>, 'expect'>

/** A SKU's generations, oldest first, from 0. */
export interface StockTable {
  readonly hint: number
  readonly generations: readonly GenerationTable[]
}

export interface GenerationTable {
  readonly partition: StockPartition
  readonly rows: Readonly<Record<string, StockRow>>
}

export type OrdersTable = Readonly<Record<string, OrderRow>>

export interface OrderRow {
  readonly status: 'created' | 'confirmed' | 'rejected' | 'abandoned'
  readonly lines: readonly ReservedLine[]
}

/** A removed one is kept: its removal's timestamp is later than that of a record that comes afterwards. */
export type IntentsTable = Readonly<Record<string, 'recorded' | 'removed'>>

/** What a server answers; a lost answer is not one of them. */
export type Reply =
  | { readonly found: { readonly partition?: StockPartition; readonly rows: readonly StockRow[] } }
  | { readonly outcome: 'applied' }
  | {
      readonly outcome: 'refused'
      readonly found?: { readonly partition?: StockPartition; readonly rows: readonly StockRow[] }
    }
  | { readonly hint: number }
  | { readonly done: boolean }
  | { readonly fate: 'accepted' | 'abandoned' }

/** Executes a request. */
export interface Server {
  stock(table: StockTable, operation: StockOperation): { readonly table: StockTable; readonly reply: Reply }
  orders(
    table: OrdersTable,
    operation: OrdersOperation,
  ): { readonly table: OrdersTable; readonly reply: Reply }
  intents(
    table: IntentsTable,
    operation: IntentsOperation,
  ): { readonly table: IntentsTable; readonly reply: Reply }
}

const found = (generation: GenerationTable | undefined, entries: readonly string[]) =>
  generation === undefined
    ? { rows: [] }
    : { partition: generation.partition, rows: entries.flatMap(entry => generation.rows[entry] ?? []) }

const isMet = (rows: GenerationTable['rows'], change: RowChange): boolean =>
  change.change === 'insert'
    ? rows[change.row.entry] === undefined
    : change.expect === undefined || rows[change.entry]?.state === change.expect

const changed = (rows: GenerationTable['rows'], changes: readonly RowChange[]): GenerationTable['rows'] => {
  const next: Record<string, StockRow> = { ...rows }
  for (const change of changes) {
    if (change.change === 'insert') {
      next[change.row.entry] = change.row
      continue
    }
    const row = next[change.entry]
    if (row === undefined) throw new Error(`row ${change.entry} would be made of nothing`)
    next[change.entry] = { ...row, state: change.state, settledBy: change.settledBy ?? row.settledBy }
  }
  return next
}

const withGeneration = (table: StockTable, at: number, generation: GenerationTable): StockTable => ({
  ...table,
  generations: table.generations.with(at, generation),
})

const applied = { outcome: 'applied' } as const
const refused = { outcome: 'refused' } as const

const stock: Server['stock'] = (table, operation) => {
  switch (operation.does) {
    case 'read':
      return { table, reply: { found: found(table.generations[operation.generation], operation.entries) } }
    case 'hint':
      return { table, reply: { hint: table.hint } }
    case 'set-hint':
      return { table: { ...table, hint: Math.max(table.hint, operation.generation) }, reply: { done: true } }
    case 'open': {
      const { partition } = operation
      if (table.generations.length !== partition.generation) return { table, reply: refused }
      return {
        table: { ...table, generations: [...table.generations, { partition, rows: {} }] },
        reply: applied,
      }
    }
    case 'end-rows': {
      const generation = table.generations[operation.generation]
      if (
        generation === undefined ||
        operation.rows.some(row => generation.rows[row.entry]?.state !== 'held')
      ) {
        return { table, reply: refused }
      }
      const rows = changed(generation.rows, operation.rows)
      return { table: withGeneration(table, operation.generation, { ...generation, rows }), reply: applied }
    }
    case 'change': {
      const { from, to, rows } = operation
      const generation = table.generations[from.generation]
      if (
        generation === undefined ||
        generation.partition.closed ||
        !isDeepStrictEqual(generation.partition, from) ||
        !rows.every(row => isMet(generation.rows, row))
      ) {
        return { table, reply: { ...refused, found: refusal(generation, rows) } }
      }
      const next = { partition: to, rows: changed(generation.rows, rows) }
      return { table: withGeneration(table, from.generation, next), reply: applied }
    }
  }
}

/** Cassandra shows the columns of the conditions, and whole rows where one of them is IF NOT EXISTS. */
const refusal = (generation: GenerationTable | undefined, changes: readonly RowChange[]) => {
  const all = found(
    generation,
    changes.map(change => (change.change === 'insert' ? change.row.entry : change.entry)),
  )
  if (changes.some(change => change.change === 'insert')) return all
  return { ...all, rows: all.rows.map(row => ({ ...row, quantity: 0, settledBy: null })) }
}

const orders: Server['orders'] = (table, operation) => {
  const { id } = operation
  const row = table[id]
  if (operation.does === 'commit') {
    return row === undefined
      ? { table: { ...table, [id]: { status: 'created', lines: operation.lines } }, reply: { done: true } }
      : { table, reply: { done: false } }
  }
  if (row !== undefined) {
    return { table, reply: { fate: row.status === 'abandoned' ? 'abandoned' : 'accepted' } }
  }
  return { table: { ...table, [id]: { status: 'abandoned', lines: [] } }, reply: { fate: 'abandoned' } }
}

const intents: Server['intents'] = (table, { id, does }) => ({
  table: table[id] === 'removed' ? table : { ...table, [id]: does === 'record' ? 'recorded' : 'removed' },
  reply: { done: true },
})

/** The servers as they are. */
export const server: Server = { stock, orders, intents }

/** A SKU whose initial stock is settled. */
export const stockedTable = (sku: string, units: number): StockTable => ({
  hint: 0,
  generations: [
    {
      partition: {
        sku,
        generation: 0,
        available: units,
        version: 1,
        mode: 'lwt',
        settledVersion: 1,
        adjusted: units,
        sold: 0,
        entries: 0,
        closed: false,
      },
      rows: {},
    },
  ],
})
