import type { ReservationMode } from './reservation/types.ts'

/** A valid `POST /stock/:sku/adjustments`. */
export interface AdjustmentRequest {
  readonly sku: string
  /** Units, signed, not zero: positive adds stock, negative takes it away. */
  readonly quantity: number
  /** E.g. initial, restock, return, correction. */
  readonly reason: string
}

/** An adjustment as Postgres keeps it. */
export interface Adjustment extends AdjustmentRequest {
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly createdAt: number
  readonly mode: ReservationMode
  /** Where a negative adjustment holds what it takes; null for a positive one. */
  readonly generation: number | null
}
