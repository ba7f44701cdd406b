// Generated from the .avsc files by scripts/generate-schema-types.ts.

/** One SKU of an order; an order names a SKU once. */
export interface OrderLine {
  readonly sku: string
  readonly quantity: number
  /** Price of the whole line, in minor units of the currency. */
  readonly amountMinor: number
  /** Reservation mode the line was taken in: lwt, counter, deferred or combined. */
  readonly mode: string
  /** Generation of the stock partition that holds the reservation; null where none is held. */
  readonly generation: null | number
}

/** Every line of the order was taken from the ledger. An end. */
export interface OrderConfirmed {
  readonly orderId: string
  readonly customerId: string
  readonly lines: readonly OrderLine[]
  readonly totalMinor: number
  readonly createdAt: number
  /** Event time of the last line's decision. */
  readonly confirmedAt: number
}

/** An order was accepted and its stock reserved. */
export interface OrderCreated {
  readonly orderId: string
  readonly customerId: string
  readonly lines: readonly OrderLine[]
  readonly totalMinor: number
  readonly createdAt: number
}

/** Why, once per fault. */
export interface Reason {
  /** E.g. oversold, no-lines, total-mismatch. */
  readonly code: string
  readonly message: string
  readonly sku: null | string
}

/** The order will not be fulfilled; what it had reserved is given back. An end. */
export interface OrderRejected {
  readonly orderId: string
  readonly reasons: readonly Reason[]
  readonly rejectedAt: number
}

/** The order passed the rules of the flow; its lines go to the ledger. */
export interface OrderValidated {
  readonly orderId: string
  readonly customerId: string
  readonly lines: readonly OrderLine[]
  readonly totalMinor: number
  readonly createdAt: number
}

/** What one event did to a SKU: exactly one per event the ledger applied, versions without gaps. */
export interface StockUpdate {
  readonly eventId: string
  readonly sku: string
  /** 1 for the SKU's first event, then one more for each. */
  readonly version: number
  /** Version of the SKU's last update before this one that settlement acts on, which is all but reservations; 0 when there was none. */
  readonly settlesAfter: number
  readonly type: 'reservation' | 'refusal' | 'sale' | 'release' | 'adjustment'
  readonly orderId: null | string
  /** Positive; signed for an adjustment. */
  readonly quantity: number
  /** After the event; includes what is reserved. */
  readonly onHand: number
  /** After the event. */
  readonly reserved: number
  /** After the event, since the beginning. */
  readonly sold: number
  readonly mode: string
  readonly generation: null | number
  readonly reason: null | string
  readonly at: number
}

/** An order whose lines are being gathered again, or that has ended. */
export interface OrderGathering {
  /** Null before the validated order came, and after the end. */
  readonly order: null | OrderValidated
  /** SKUs the ledger reserved. */
  readonly taken: readonly string[]
  /** SKUs the ledger refused. */
  readonly refused: readonly string[]
  readonly ended: boolean
}

/** An outbox event that was taken; a second copy of it is dropped. */
export interface SeenEvent {
  readonly seenAt: number
}

/** What became of one order's line or one adjustment of a SKU: repeated events find it and change nothing. */
export interface StockEntry {
  readonly state: 'reserved' | 'refused' | 'sold' | 'released' | 'adjusted'
  readonly quantity: number
}

/** What the ledger knows of a SKU after its last event. */
export interface StockLevel {
  readonly version: number
  /** Includes what is reserved. */
  readonly onHand: number
  readonly reserved: number
  readonly sold: number
  /** Version of the last update that settlement acts on. */
  readonly settling: number
}

export interface OutboxRow {
  readonly id: string
  readonly aggregatetype: string
  readonly aggregateid: string
  readonly type: string
  readonly payload: null | string
}

export interface OutboxSource {
  readonly version: string
  readonly connector: string
  readonly name: string
  readonly ts_ms: number
  readonly snapshot: string | null
  readonly db: string
  readonly sequence: null | string
  readonly ts_us: null | number
  readonly ts_ns: null | bigint
  readonly schema: string
  readonly table: string
  readonly txId: null | number
  readonly lsn: null | number
  readonly xmin: null | number
  readonly origin: null | string
  readonly origin_lsn: null | number
}

export interface OutboxTransaction {
  readonly id: string
  readonly total_order: number
  readonly data_collection_order: number
}

export interface OutboxEnvelope {
  readonly before: null | OutboxRow
  readonly after: null | OutboxRow
  readonly source: OutboxSource
  readonly transaction: null | OutboxTransaction
  readonly op: string
  readonly ts_ms: null | number
  readonly ts_us: null | number
  readonly ts_ns: null | bigint
}

/** One event of a SKU's ledger, in the order in which the ledger takes it. */
export interface StockMovement {
  readonly eventId: string
  readonly type: 'line' | 'sale' | 'release' | 'adjustment'
  readonly sku: string
  readonly orderId: null | string
  /** Positive; signed for an adjustment. */
  readonly quantity: number
  /** Reservation mode; lwt for what reserves nothing. */
  readonly mode: string
  /** Where the reservation is held, if one is. */
  readonly generation: null | number
  /** Of an adjustment: initial, restock, return, correction, ... */
  readonly reason: null | string
  readonly at: number
}
