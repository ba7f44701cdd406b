import type { SluiceError } from '../../core/errors.ts'
import { modeUnsupported, reservationConflict } from './errors.ts'
import type { StockPartition, StockRow } from './partition.ts'
import type { RowChange } from './store.ts'

/** One line of one entry. */
export interface TakeRequest {
  readonly sku: string
  readonly entry: string
  /** Units. */
  readonly quantity: number
  /** True when this very request has given the line back itself: its row may be held again. */
  readonly again: boolean
}

/** What is known when the next step is chosen. */
export interface TakeView {
  /** The current generation's statics; undefined when none is known. */
  readonly partition: StockPartition | undefined
  /** The entry's own row, where the last look included it. */
  readonly row: StockRow | undefined
  /** Whether the look was begun after the request: what is older may be tried on, but may refuse nobody. */
  readonly isFresh: boolean
}

/** The next step of a reservation. */
export type TakeStep =
  | { readonly step: 'look' }
  | { readonly step: 'write'; readonly to: StockPartition; readonly rows: readonly RowChange[] }
  | { readonly step: 'held'; readonly generation: number }
  | { readonly step: 'short'; readonly available: number }
  | { readonly step: 'fail'; readonly error: SluiceError }

const reservationRow = (request: TakeRequest): StockRow => ({
  entry: request.entry,
  kind: 'reservation',
  quantity: request.quantity,
  state: 'held',
  settledBy: null,
})

const stepOnOwnRow = (request: TakeRequest, generation: number, row: StockRow): TakeStep => {
  const { sku, entry, quantity } = request
  if (row.quantity !== quantity && row.quantity > 0) {
    const found = `with a quantity of ${row.quantity} instead of ${quantity}`
    return { step: 'fail', error: reservationConflict(sku, entry, found) }
  }
  if (row.state === 'released') {
    return { step: 'fail', error: reservationConflict(sku, entry, 'and has been given back') }
  }
  return { step: 'held', generation }
}

/**
 * Chooses the next step of the mode `lwt`; pure.
 *
 * An attempt of unknown outcome needs no memory: the own row shows that it applied, and as long as it may still apply
 * the version stands where it was, so that the next write, on the same version, either takes its place or meets its row.
 */
export const nextTakeStep = (request: TakeRequest, view: TakeView): TakeStep => {
  const { partition, row } = view
  if (
    row !== undefined &&
    partition !== undefined &&
    !(request.again && row.state === 'released' && row.quantity > 0)
  ) {
    return stepOnOwnRow(request, partition.generation, row)
  }
  if (partition === undefined) return view.isFresh ? { step: 'short', available: 0 } : { step: 'look' }
  if (partition.closed) return { step: 'look' }
  if (partition.mode !== 'lwt') {
    return view.isFresh
      ? { step: 'fail', error: modeUnsupported(request.sku, partition.mode) }
      : { step: 'look' }
  }
  if (partition.available < request.quantity) {
    return view.isFresh ? { step: 'short', available: Math.max(0, partition.available) } : { step: 'look' }
  }
  const isRepeated = row !== undefined
  return {
    step: 'write',
    to: {
      ...partition,
      available: partition.available - request.quantity,
      version: partition.version + 1,
      entries: partition.entries + (isRepeated ? 0 : 1),
    },
    rows: isRepeated
      ? [{ change: 'set', entry: request.entry, state: 'held', settledBy: null, expect: 'released' }]
      : [{ change: 'insert', row: reservationRow(request) }],
  }
}
