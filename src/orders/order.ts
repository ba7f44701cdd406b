import type { ReservationMode, ReservedLine } from './reservation/types.ts'

/** One line as a customer asks for it: exactly one of the two prices, in minor units. */
export interface RequestedLine {
  readonly sku: string
  readonly quantity: number
  readonly unitPriceMinor?: number | undefined
  readonly amountMinor?: number | undefined
}

/** A valid `POST /orders` body. */
export interface OrderRequest {
  readonly customerId: string
  readonly lines: readonly RequestedLine[]
}

/** One line per SKU, with the price of the whole line in minor units. */
export interface MergedLine {
  readonly sku: string
  readonly quantity: number
  readonly amountMinor: number
}

/** A line of an accepted order, with where its stock is held. */
export interface OrderLine extends MergedLine {
  readonly mode: ReservationMode
  readonly generation: number | null
}

/** An abandoned one is no order: it only keeps its id from becoming one. */
export type OrderStatus = 'created' | 'confirmed' | 'rejected'

/** An order as Postgres keeps it. */
export interface Order {
  readonly id: string
  readonly customerId: string
  readonly status: OrderStatus
  readonly lines: readonly OrderLine[]
  readonly totalMinor: number
  /** Milliseconds since the epoch. */
  readonly createdAt: number
}

/** The price of a line as requested; NaN where neither or both prices are given. */
export const amountOf = (line: RequestedLine): number => {
  if (line.unitPriceMinor !== undefined && line.amountMinor !== undefined) return Number.NaN
  return line.amountMinor ?? line.quantity * (line.unitPriceMinor ?? Number.NaN)
}

/**
 * Lines of one SKU become one line of the summed quantity and amount, at the place of the first.
 *
 * @example mergeLines([{ sku: 'A', quantity: 1, amountMinor: 5 }, { sku: 'A', quantity: 2, unitPriceMinor: 5 }])
 * // [{ sku: 'A', quantity: 3, amountMinor: 15 }]
 */
export const mergeLines = (lines: readonly RequestedLine[]): readonly MergedLine[] => {
  const merged = new Map<string, MergedLine>()
  for (const line of lines) {
    const former = merged.get(line.sku)
    merged.set(line.sku, {
      sku: line.sku,
      quantity: line.quantity + (former?.quantity ?? 0),
      amountMinor: amountOf(line) + (former?.amountMinor ?? 0),
    })
  }
  return [...merged.values()]
}

/** The accepted order: what was asked for, joined with where the stock of each line is held. */
export const orderOf = (
  id: string,
  createdAt: number,
  customerId: string,
  lines: readonly MergedLine[],
  reserved: readonly ReservedLine[],
): Order => {
  const held = new Map(reserved.map(line => [line.sku, line]))
  return {
    id,
    customerId,
    status: 'created',
    lines: lines.map(line => {
      const where = held.get(line.sku)
      return { ...line, mode: where?.mode ?? 'lwt', generation: where?.generation ?? null }
    }),
    totalMinor: lines.reduce((total, line) => total + line.amountMinor, 0),
    createdAt,
  }
}
