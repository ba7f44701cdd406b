import type { StockEntry, StockLevel, StockMovement, StockUpdate } from '../../../schemas/types.ts'
import type { ReservedLine } from '../../../src/orders/reservation/types.ts'
import { applyMovement, emptyLevel, entryKeyOf, updateOf } from '../../../topology/ledger.ts'

/** What the stream knows of a SKU, and how far settlement has read it. */
export interface SkuLedger {
  readonly level: StockLevel
  readonly entries: Readonly<Record<string, StockEntry>>
  /** Of those that settlement acts on, the ones it has not finished. */
  readonly unsettled: readonly StockUpdate[]
  readonly isShort: boolean
}

/** The stream of decisions, each made once and in order; that it does so under faults is shown by the engine's own tests. */
export interface Ledger {
  readonly skus: Readonly<Record<string, SkuLedger>>
  readonly isRestocked: boolean
}

type MovementFields = Pick<StockMovement, 'type' | 'orderId' | 'quantity' | 'generation'>

const withMovement = (ledger: Ledger, sku: string, fields: MovementFields): Ledger => {
  const before = ledger.skus[sku] as SkuLedger
  const { type, orderId } = fields
  const eventId = `${type} ${orderId ?? ''}`
  const movement: StockMovement = { ...fields, eventId, sku, mode: 'lwt', reason: null, at: 0 }
  const key = entryKeyOf(movement)
  const applied = applyMovement(before.level, before.entries[key], movement)
  if (applied === undefined) return ledger
  const update = updateOf(movement, applied)
  const after: SkuLedger = {
    level: applied.level,
    entries: { ...before.entries, [key]: applied.entry },
    unsettled: update.type === 'reservation' ? before.unsettled : [...before.unsettled, update],
    isShort: before.isShort || update.type === 'refusal',
  }
  return { ...ledger, skus: { ...ledger.skus, [sku]: after } }
}

/** A restock, or what a SKU begins with. */
export const credited = (ledger: Ledger, sku: string, quantity: number): Ledger =>
  withMovement(ledger, sku, { type: 'adjustment', orderId: null, quantity, generation: null })

/** Decides an order: its lines and sales, or, where the rules refuse it, their release. */
export const decided = (
  ledger: Ledger,
  orderId: string,
  lines: readonly ReservedLine[],
  isFaulty: boolean,
): Ledger => {
  const types = isFaulty ? (['release'] as const) : (['line', 'sale'] as const)
  return types.reduce(
    (former, type) =>
      lines.reduce(
        (next, { sku, quantity, generation }) =>
          withMovement(next, sku, { type, orderId, quantity, generation }),
        former,
      ),
    ledger,
  )
}

/** Settlement has finished the updates of a SKU up to a version. */
export const settledUpTo = (ledger: Ledger, sku: string, version: number): Ledger => {
  const before = ledger.skus[sku] as SkuLedger
  const unsettled = before.unsettled.filter(update => update.version > version)
  return { ...ledger, skus: { ...ledger.skus, [sku]: { ...before, unsettled } } }
}

/** A ledger whose SKUs have been stocked and settled. */
export const ledgerOf = (stock: Readonly<Record<string, number>>): Ledger => {
  const empty: SkuLedger = { level: emptyLevel, entries: {}, unsettled: [], isShort: false }
  const skus = Object.keys(stock)
  return skus.reduce((ledger, sku) => settledUpTo(credited(ledger, sku, stock[sku] ?? 0), sku, 1), {
    skus: Object.fromEntries(skus.map(sku => [sku, empty])),
    isRestocked: false,
  } as Ledger)
}
