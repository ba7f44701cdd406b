/** A SKU's state as its ledger last wrote it: the authority on history, a moment behind what can be sold. */
interface LedgerStock {
  readonly sku: string
  /** Units, `reserved` included. */
  readonly onHand: number
  readonly reserved: number
  readonly sold: number
  /** Events the ledger has applied to the SKU. */
  readonly version: number
  /** Milliseconds since the epoch, event time. */
  readonly updatedAt: number
}

/** Reads the ledger's state with quorum. */
export interface StockReader {
  /** Undefined for a SKU the ledger has never seen. */
  ledger(sku: string): Promise<LedgerStock | undefined>
  /** Resolves when Cassandra answers. */
  ping(): Promise<void>
}
