import type { StockUpdate } from '../../../schemas/types.ts'
import { SluiceError } from '../../core/errors.ts'
import type { StockPartition, StockRow, StockRowState } from '../reservation/partition.ts'

/** A row that an update ends, in the generation that holds it. */
export interface SettledRow {
  readonly generation: number
  readonly entry: string
  readonly state: StockRowState
  /** The update's ledger version. */
  readonly settledBy: number
}

/** A run of updates as one change of the SKU's statics and rows. */
export interface SettledTurn {
  readonly to: StockPartition
  readonly rows: readonly SettledRow[]
  /** Updates of exact modes whose reservation was not there; the numbers are kept right, the cause is worth a look. */
  readonly surprises: readonly StockUpdate[]
}

/** The row an update is about; undefined when it is about none. */
export const rowOf = (update: StockUpdate): { generation: number; entry: string } | undefined => {
  const { generation, type } = update
  // An adjustment, and the refusal of one, has no order: its row bears the adjustment's id.
  const entry = update.orderId ?? update.eventId
  const needsNone = type === 'reservation' || (type === 'adjustment' && update.quantity > 0)
  return generation === null || needsNone ? undefined : { generation, entry }
}

/** A row's place in the map that `foldUpdates` is given. */
export const placeOf = (generation: number, entry: string): string => `${generation}/${entry}`

/**
 * What remains to settle, in the ledger's order: reservations and repeated updates are left out; one that does not follow on
 * what is settled ends everything.
 */
export const unsettledOf = (
  sku: string,
  settledVersion: number,
  updates: readonly StockUpdate[],
): StockUpdate[] => {
  const unsettled: StockUpdate[] = []
  let settled = settledVersion
  for (const update of updates.toSorted((one, other) => one.version - other.version)) {
    if (update.version <= settled || update.type === 'reservation') continue
    if (update.settlesAfter !== settled) {
      throw new SluiceError({
        code: 'SLUICE_SETTLEMENT_GAP',
        message: `settlement of SKU ${sku} stands at ledger version ${settled}; version ${update.version} follows on ${update.settlesAfter}`,
        remedy:
          'an update was lost or the offsets were moved: reset the settlement to an offset before the gap',
        details: { sku, settled, version: update.version, eventId: update.eventId },
      })
    }
    unsettled.push(update)
    settled = update.version
  }
  return unsettled
}

const endStates = { sale: 'sold', release: 'released', refusal: 'released', adjustment: 'adjusted' } as const

/**
 * Folds contiguous updates into one change; pure.
 *
 * A row counts as held when it is, or when it bears the very version of the update: the mark of an attempt that did not
 * come to its end. Where none is held, a sale or a negative adjustment takes from `available`, so that
 * `adjusted = available + held + sold` holds whatever came before.
 *
 * @param rows The rows that exist, by `placeOf`.
 */
export const foldUpdates = (
  from: StockPartition,
  updates: readonly StockUpdate[],
  rows: ReadonlyMap<string, StockRow>,
): SettledTurn => {
  let { available, adjusted, sold, settledVersion } = from
  const ended = new Map<string, SettledRow>()
  const surprises: StockUpdate[] = []

  for (const update of updates) {
    const { type, quantity, version } = update
    if (type === 'reservation') continue
    settledVersion = version
    if (type === 'adjustment' && quantity > 0) {
      available += quantity
      adjusted += quantity
      continue
    }
    const place = rowOf(update)
    const key = place === undefined ? undefined : placeOf(place.generation, place.entry)
    const row = key === undefined || ended.has(key) ? undefined : rows.get(key)
    const isMarked = row !== undefined && row.settledBy === version
    const units = Math.abs(quantity)
    const held = row !== undefined && (row.state === 'held' || isMarked)
    if (held && place !== undefined && key !== undefined) {
      ended.set(key, { ...place, state: endStates[type], settledBy: version })
    } else if (place !== undefined) {
      surprises.push(update)
    }
    if (type === 'sale') {
      sold += units
      if (!held) available -= units
    } else if (type === 'adjustment') {
      adjusted -= units
      if (!held) available -= units
    } else if (held) {
      available += units
    }
  }
  const to = { ...from, available, adjusted, sold, settledVersion, version: from.version + 1 }
  return { to, rows: [...ended.values()], surprises }
}
