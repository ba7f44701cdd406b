import type { ReservationLine } from '../../../src/orders/reservation/types.ts'
import type { Ports } from './ports.ts'
import type { ReservationOptions } from './processes.ts'
import type { Server } from './tables.ts'

export interface ScenarioOrder {
  readonly id: string
  readonly lines: readonly ReservationLine[]
  /** Refused by the topology's rules after it was accepted. */
  readonly isFaulty?: boolean
}

/** What is explored: who takes part, and how much may go wrong. */
export interface Scenario extends ReservationOptions {
  /** Units per SKU at first. */
  readonly stock: Readonly<Record<string, number>>
  readonly orders: readonly ScenarioOrder[]
  /** Crashes and lost answers in one run. */
  readonly mostFaults: number
  /** Reapers at work at once. */
  readonly reapers: number
  /** Settlements at work on one SKU at once: above 1, former owners that do not know it yet. */
  readonly settlers: number
  /**
   * The ledger decides and settlement settles only when no order is at work, and no reaper looks at one that is: fewer
   * interleavings, for more orders.
   */
  readonly isCalm: boolean
  /** Units that are added to a SKU at any moment. */
  readonly restock?: { readonly sku: string; readonly quantity: number }
}

/** What is taken out of the protocol, to see it missed. */
export interface Mutation {
  readonly server?: Partial<Server>
  readonly adapt?: (ports: Ports) => Ports
  /** The reaper does not wait until an intent is old. */
  readonly isGraceless?: boolean
}

const line = (sku: string, quantity = 1): ReservationLine => ({ sku, quantity })

/** An order of one unit of each SKU. */
export const orderOf = (id: string, ...skus: readonly string[]): ScenarioOrder => ({
  id,
  lines: skus.map(sku => line(sku)),
})

export const plainScenario: Scenario = {
  stock: { A: 2, B: 2 },
  orders: [],
  rollAtEntries: 1_000,
  parallelLines: 1,
  reserveTimeoutMs: 8_000,
  mostFaults: 0,
  reapers: 1,
  settlers: 1,
  isCalm: false,
}
