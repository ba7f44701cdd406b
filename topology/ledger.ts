import { SluiceError } from '../src/core/errors.ts'
import type { StockEntry, StockLevel, StockMovement, StockUpdate } from '../schemas/types.ts'

/** A SKU before its first event. */
export const emptyLevel: StockLevel = { version: 0, onHand: 0, reserved: 0, sold: 0, settling: 0 }

/** What an event is remembered under, within its SKU: its order, or itself when it belongs to none. */
export const entryKeyOf = (movement: StockMovement): string =>
  `${movement.sku}|${movement.orderId ?? movement.eventId}`

/**
 * Throws for an event that does not stand where its SKU's ledger is: its key chose the partition, and so whose level is read.
 *
 * Errors: SLUICE_LEDGER_MISPLACED.
 */
export const requirePlace = (key: string, { sku, eventId }: StockMovement): void => {
  if (sku !== '' && sku === key) return
  throw new SluiceError({
    code: 'SLUICE_LEDGER_MISPLACED',
    message: `stock-movement ${eventId} is of SKU ${JSON.stringify(sku)} and has the key ${JSON.stringify(key)}`,
    remedy: 'find out who wrote it: the key of a stock-movement is its SKU',
    details: { sku, key, eventId },
  })
}

/** What an applied event changed. */
export interface Applied {
  readonly before: StockLevel
  readonly level: StockLevel
  readonly entry: StockEntry
  readonly type: StockUpdate['type']
}

type Change = Omit<Applied, 'before'>

const next = (level: StockLevel, change: Partial<StockLevel>): StockLevel => ({
  ...level,
  ...change,
  version: level.version + 1,
})

const applyLine = (
  level: StockLevel,
  entry: StockEntry | undefined,
  quantity: number,
): Change | undefined => {
  if (entry !== undefined) return undefined
  return level.onHand - level.reserved >= quantity
    ? {
        level: next(level, { reserved: level.reserved + quantity }),
        entry: { state: 'reserved', quantity },
        type: 'reservation',
      }
    : { level: next(level, {}), entry: { state: 'refused', quantity }, type: 'refusal' }
}

const applySale = (level: StockLevel, entry: StockEntry | undefined): Change | undefined => {
  if (entry?.state !== 'reserved') return undefined
  const { quantity } = entry
  return {
    level: next(level, {
      onHand: level.onHand - quantity,
      reserved: level.reserved - quantity,
      sold: level.sold + quantity,
    }),
    entry: { state: 'sold', quantity },
    type: 'sale',
  }
}

// A line that never came to the ledger is released without a change of numbers: settlement gives back what Cassandra
// holds for it, and a line that comes later finds the entry.
const applyRelease = (
  level: StockLevel,
  entry: StockEntry | undefined,
  quantity: number,
): Change | undefined => {
  if (entry === undefined)
    return { level: next(level, {}), entry: { state: 'released', quantity }, type: 'release' }
  if (entry.state !== 'reserved') return undefined
  return {
    level: next(level, { reserved: level.reserved - entry.quantity }),
    entry: { state: 'released', quantity: entry.quantity },
    type: 'release',
  }
}

// A debit beyond what is free is refused like a line; settlement then gives the reservation back.
const applyAdjustment = (
  level: StockLevel,
  entry: StockEntry | undefined,
  quantity: number,
): Change | undefined => {
  if (entry !== undefined) return undefined
  return level.onHand - level.reserved + quantity >= 0
    ? {
        level: next(level, { onHand: level.onHand + quantity }),
        entry: { state: 'adjusted', quantity },
        type: 'adjustment',
      }
    : { level: next(level, {}), entry: { state: 'refused', quantity: -quantity }, type: 'refusal' }
}

/**
 * One event of a SKU's ledger: what it changes, or undefined when it was applied before or has nothing to act on. Duplicate,
 * late and reordered events therefore change nothing.
 *
 * @example applyMovement(emptyLevel, undefined, restock)?.level.onHand
 */
export const applyMovement = (
  before: StockLevel,
  entry: StockEntry | undefined,
  movement: StockMovement,
): Applied | undefined => {
  const change = changeOf(before, entry, movement)
  if (change === undefined) return undefined
  // Settlement has nothing to write for a reservation, so it follows the other updates from link to link.
  const settling = change.type === 'reservation' ? before.settling : change.level.version
  return { ...change, before, level: { ...change.level, settling } }
}

const changeOf = (
  level: StockLevel,
  entry: StockEntry | undefined,
  movement: StockMovement,
): Change | undefined => {
  switch (movement.type) {
    case 'line':
      return applyLine(level, entry, movement.quantity)
    case 'sale':
      return applySale(level, entry)
    case 'release':
      return applyRelease(level, entry, movement.quantity)
    case 'adjustment':
      return applyAdjustment(level, entry, movement.quantity)
  }
}

/** The one `stock-update` of an applied event. */
export const updateOf = (movement: StockMovement, { before, level, entry, type }: Applied): StockUpdate => ({
  eventId: movement.eventId,
  sku: movement.sku,
  version: level.version,
  settlesAfter: before.settling,
  type,
  orderId: movement.orderId,
  quantity: entry.quantity,
  onHand: level.onHand,
  reserved: level.reserved,
  sold: level.sold,
  mode: movement.mode,
  generation: movement.generation,
  reason: movement.reason,
  at: movement.at,
})
