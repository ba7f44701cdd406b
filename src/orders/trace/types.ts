import type { TopicPartition } from '../../kafka/types.ts'
import type { OrderLine } from '../order.ts'

/** A record's place. */
export interface Place extends TopicPartition {
  readonly offset: number
}

/**
 * Whose clock a time is of: the order service's, Postgres' (commit), the relay's, the broker's (the commit of the transaction that
 * wrote the record), Cassandra's.
 */
export type TraceClock = 'service' | 'postgres' | 'relay' | 'broker' | 'cassandra'

/** What an order goes through, in the flow's order. */
export type StepName =
  | 'accepted'
  | 'reserved'
  | 'committed'
  | 'relayed'
  | 'order-created'
  | 'order-validated'
  | 'line'
  | 'reservation'
  | 'refusal'
  | 'order-confirmed'
  | 'order-rejected'
  | 'sale'
  | 'release'
  | 'sold'
  | 'released'
  | 'settled'
  | 'history'
  | 'status'

/** One thing that happened to the order, or that is waited for. */
export interface TraceStep {
  readonly step: StepName
  /** `done`; `open`: written in a transaction that has not ended; `waiting`: what is before it has happened, it has not. */
  readonly state: 'done' | 'open' | 'waiting'
  /** Milliseconds since the epoch; null where nobody keeps a time. */
  readonly at: number | null
  readonly clock: TraceClock | null
  /** Of a step that each line goes through. */
  readonly sku: string | null
  readonly place: Place | null
  /** In words: quantities, versions, reasons. */
  readonly text: string
  /** Of a waiting step: what is missing, and what to look at. */
  readonly waitsFor: string | null
}

/** A record of the order that was parked. */
export interface TraceDeadLetter {
  readonly place: Place
  readonly source: Place
  readonly code: string
  readonly message: string
  readonly parkedAt: string
}

/** `uncommitted`: only its intent is known; `abandoned`: its id can never become an order. */
export type TraceStatus = 'created' | 'confirmed' | 'rejected' | 'abandoned' | 'uncommitted'

/** One order through everything, as `sluice orders trace --json` prints it. Times in milliseconds since the epoch. */
export interface OrderTrace {
  readonly orderId: string
  readonly status: TraceStatus
  readonly customerId: string | null
  readonly totalMinor: number | null
  readonly lines: readonly OrderLine[]
  readonly idempotencyKey: { readonly key: string; readonly state: string; readonly claimedAt: number } | null
  /** SKUs of the intent, while it is there. */
  readonly intent: { readonly skus: readonly string[]; readonly at: number } | null
  readonly outbox: { readonly eventId: string; readonly inTable: boolean } | null
  /** Those with a time in its order, then those without. */
  readonly steps: readonly TraceStep[]
  readonly deadLetters: readonly TraceDeadLetter[]
  /** Whether the order has ended and nothing of it is missing anywhere. */
  readonly complete: boolean
  /** In words: why it was abandoned, what could not be read. */
  readonly notes: readonly string[]
  /** From the first time to the last; null where there are none. */
  readonly elapsedMs: number | null
  readonly tracedAt: number
}
