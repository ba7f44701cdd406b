/** How a SKU's stock is taken: a static column of its partition and part of every condition on it. */
export type ReservationMode = 'lwt' | 'counter' | 'deferred' | 'combined'

/** What is wanted of one SKU; an order has at most one line per SKU. */
export interface ReservationLine {
  readonly sku: string
  /** Units, a safe integer above zero. */
  readonly quantity: number
}

/** A line that was taken, with where it is held; both go into the event, so that settlement finds the row. */
export interface ReservedLine extends ReservationLine {
  readonly mode: ReservationMode
  /** Generation of the SKU's partition that holds the row; null for modes that hold none. */
  readonly generation: number | null
}

/** A line that was not taken. */
export interface StockShortage {
  readonly sku: string
  /** Units. */
  readonly requested: number
  /** Units that could be sold at the moment of the refusal; 0 for a SKU that was never stocked. */
  readonly available: number
}

/** All lines, or none. */
export type ReserveResult =
  | { readonly ok: true; readonly lines: readonly ReservedLine[] }
  | { readonly ok: false; readonly outOfStock: readonly StockShortage[] }

/** What can be sold of a SKU now. */
export interface AvailableStock {
  readonly sku: string
  /** Units. */
  readonly available: number
  /** Number of conditional writes the SKU has seen. */
  readonly version: number
  readonly mode: ReservationMode
  readonly generation: number
}

/**
 * Takes stock before an order is committed, and gives it back when it is not.
 *
 * @example
 * const result = await reservations.reserve(orderId, [{ sku: '85123A', quantity: 6 }])
 * if (!result.ok) return outOfStock(result.outOfStock)
 */
export interface Reservations {
  /**
   * Takes all lines under `entryId` (the order's id, or the id of a negative adjustment), or none.
   *
   * With too little stock, everything already taken is given back before it answers. An unknown outcome is resolved
   * before it answers. Calling it again with the same id and lines takes nothing twice as long as the generation that
   * holds the row is open; later it may, so a request that is made anew needs a new id.
   *
   * Rejects with `SLUICE_CASSANDRA_UNAVAILABLE` when Cassandra cannot answer in time (what was taken is given back as far
   * as possible, the rest is the reaper's, by the intent), `SLUICE_STOCK_BUSY` when too many requests wait for one SKU, and
   * `SLUICE_STOCK_MODE_UNSUPPORTED` for a SKU in a mode this process does not speak. `details.unresolved`, where present,
   * names the SKUs that may still be held: when empty, everything was given back.
   */
  reserve(entryId: string, lines: readonly ReservationLine[]): Promise<ReserveResult>

  /**
   * Gives back what `entryId` still holds of these SKUs: after a failed commit, and by the reaper. Idempotent; rows that
   * are sold, released or absent are left alone, and an attempt still on its way can no longer apply afterwards.
   *
   * Rejects with `SLUICE_CASSANDRA_UNAVAILABLE` when not everything could be given back; call it again.
   */
  release(entryId: string, skus: readonly string[]): Promise<void>

  /** What can be sold now, by a linearizable read; undefined for a SKU that was never stocked. */
  available(sku: string): Promise<AvailableStock | undefined>
}

/** What the reaper has to look at: somebody was about to reserve these SKUs. */
export interface ReservationIntent {
  readonly entryId: string
  readonly skus: readonly string[]
  /** Milliseconds since the epoch, as given to `record`. */
  readonly at: number
}

/** Written before the first reserve and removed once the order is committed or given back. */
export interface ReservationIntents {
  record(entryId: string, skus: readonly string[], atMs: number): Promise<void>
  remove(entryId: string, atMs: number): Promise<void>
  /** Intents recorded before `olderThanMs`, oldest first; what is not removed comes again on the next walk. */
  pending(olderThanMs: number): AsyncIterable<ReservationIntent>
}
