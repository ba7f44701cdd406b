/**
 * Everything the invariants compare, as plain data: what Postgres, Cassandra and the log each say, not yet confronted.
 * Strings that recur (SKUs, ids) are one object in memory, numbers are safe integers, times are epoch milliseconds.
 */
export interface Evidence {
  readonly takenAtMs: number
  readonly orders: ReadonlyMap<string, OrderRow>
  /** Accepted ones. */
  readonly adjustments: ReadonlyMap<string, AdjustmentRow>
  readonly abandonedAdjustments: ReadonlySet<string>
  readonly outboxRows: ReadonlyMap<string, OutboxRow>
  /** Generations of a SKU's `stock` partitions, ascending. */
  readonly stock: ReadonlyMap<string, readonly StockGeneration[]>
  readonly stockStates: ReadonlyMap<string, StockStateRow>
  /** History of a SKU, ascending by version. */
  readonly stockUpdates: ReadonlyMap<string, readonly StockUpdateRow[]>
  readonly log: LogEvidence
}

interface Line {
  readonly sku: string
  readonly quantity: number
}

export interface OrderRow {
  readonly status: string
  readonly lines: readonly Line[]
  readonly totalMinor: number
}

export interface AdjustmentRow {
  readonly sku: string
  readonly quantity: number
}

export interface OutboxRow {
  readonly type: string
  readonly aggregateId: string
  /** Adjustment id of a StockAdjusted row, else order id. */
  readonly subjectId: string
}

export interface StockRow {
  /** Order id, adjustment id or `give-back:<order id>`. */
  readonly entry: string
  readonly kind: string
  readonly quantity: number
  readonly state: string
  readonly atMs: number
}

export interface StockGeneration {
  readonly generation: number
  readonly available: number
  readonly adjusted: number
  readonly sold: number
  readonly settledVersion: number
  readonly mode: string
  readonly closed: boolean
  /** Without the sentinel. */
  readonly rows: readonly StockRow[]
}

export interface StockStateRow {
  readonly onHand: number
  readonly reserved: number
  readonly sold: number
  readonly version: number
}

export interface StockUpdateRow extends StockStateRow {
  readonly eventId: string
  readonly orderId: string | null
  readonly type: string
  readonly quantity: number
}

/** What the ledger remembers of one order's line, or of one adjustment. */
export interface LedgerEntry {
  readonly state: string
  readonly quantity: number
}

/** The ledger's stores as its changelogs have them: the last committed value of each key. */
export interface LedgerChangelog {
  readonly levels: ReadonlyMap<string, StockStateRow>
  /** By SKU, then by order or adjustment. */
  readonly entries: ReadonlyMap<string, ReadonlyMap<string, LedgerEntry>>
}

/** Where a record lies; `key` is its UTF-8 key. */
export interface Position {
  readonly partition: number
  readonly offset: number
  readonly timestampMs: number
  readonly key: string
  /** Sent again from a dead letter. */
  readonly retried?: true
}

export interface OutboxRecord extends Position {
  /** Written by our relay, which writes each row once; others, like Debezium, may repeat one. */
  readonly byRelay: boolean
  readonly eventId: string
  readonly type: string
  readonly subjectId: string
}

/** One event of an order; `units` and `totalMinor` are zero where the event does not carry lines. */
export interface OrderRecord extends Position {
  readonly eventId: string
  readonly orderId: string
  readonly units: number
  readonly totalMinor: number
}

export interface MovementRecord extends Position {
  readonly eventId: string
  readonly type: string
  readonly sku: string
  readonly orderId: string | null
  readonly quantity: number
}

export interface UpdateRecord extends Position, StockUpdateRow {
  readonly sku: string
  readonly mode: string
}

export interface Streams {
  readonly outbox: readonly OutboxRecord[]
  readonly created: readonly OrderRecord[]
  readonly validated: readonly OrderRecord[]
  readonly confirmed: readonly OrderRecord[]
  readonly rejected: readonly OrderRecord[]
  readonly movements: readonly MovementRecord[]
  readonly updates: readonly UpdateRecord[]
}

/** Each stream ascends by offset within a partition; movements that were parked instead of applied are left out. */
export interface LogEvidence {
  readonly partitionCounts: ReadonlyMap<string, number>
  readonly committed: Streams
  readonly aborted: Streams
  readonly changelog: LedgerChangelog
  /** Records of transactions that had not ended, per topic. */
  readonly undecided: ReadonlyMap<string, number>
}

/** Names of the event topics by the stream they fill. */
export const topicOf: Readonly<Record<keyof Streams, string>> = {
  outbox: 'shop.public.outbox_event',
  created: 'order-created',
  validated: 'order-validated',
  confirmed: 'order-confirmed',
  rejected: 'order-rejected',
  movements: 'stock-movement',
  updates: 'stock-update',
}

/** The ledger's changelogs, and where its application parks what it cannot apply. */
export const ledgerTopicOf = {
  levels: 'orders-stock-ledger-changelog',
  entries: 'orders-stock-entries-changelog',
  parked: 'orders-dlq',
} as const

export const streamNames = Object.keys(topicOf) as (keyof Streams)[]

/** Modes in which Cassandra decides exactly before the order is accepted. */
export const exactModes: ReadonlySet<string> = new Set(['lwt', 'combined'])
