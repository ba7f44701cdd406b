import type { LedgerEntry, MovementRecord, StockStateRow, StockUpdateRow } from '../evidence.ts'

/** An entry and what decides how long the ledger remembers it, in buckets of event time. */
interface Remembered extends LedgerEntry {
  readonly bucket: number
  /** The horizon at which it was written: only a later one makes it forgotten. */
  readonly horizon: number
}

interface Account extends StockStateRow {
  readonly entries: Map<string, Remembered>
}

/** What a movement does: the new numbers, the entry left behind, and how the update is called. */
type Outcome = Omit<StockStateRow, 'version'> & { readonly type: string; readonly entry: LedgerEntry }

const retentionMs = 30 * 86_400_000
const bucketMs = retentionMs / 64

const bucketOf = (timestampMs: number): number => Math.floor(timestampMs / bucketMs)

const newAccount = (): Account => ({ version: 0, onHand: 0, reserved: 0, sold: 0, entries: new Map() })

const outcomeOf = (
  { onHand, reserved, sold }: StockStateRow,
  entry: LedgerEntry | undefined,
  { type, quantity }: Pick<MovementRecord, 'type' | 'quantity'>,
): Outcome | undefined => {
  const free = onHand - reserved
  const held = entry?.state === 'reserved' ? entry.quantity : undefined
  if (type === 'line' && entry === undefined) {
    return quantity <= free
      ? {
          onHand,
          reserved: reserved + quantity,
          sold,
          type: 'reservation',
          entry: { state: 'reserved', quantity },
        }
      : { onHand, reserved, sold, type: 'refusal', entry: { state: 'refused', quantity } }
  }
  if (type === 'adjustment' && entry === undefined) {
    return free + quantity >= 0
      ? {
          onHand: onHand + quantity,
          reserved,
          sold,
          type: 'adjustment',
          entry: { state: 'adjusted', quantity },
        }
      : { onHand, reserved, sold, type: 'refusal', entry: { state: 'refused', quantity: -quantity } }
  }
  if (type === 'sale' && held !== undefined) {
    const after = { onHand: onHand - held, reserved: reserved - held, sold: sold + held }
    return { ...after, type: 'sale', entry: { state: 'sold', quantity: held } }
  }
  // What was never reserved here is released for settlement's sake; the numbers stay.
  if (type === 'release' && (entry === undefined || held !== undefined)) {
    const entryAfter = { state: 'released', quantity: held ?? quantity }
    return { onHand, reserved: reserved - (held ?? 0), sold, type: 'release', entry: entryAfter }
  }
  return undefined
}

/**
 * The ledger of one partition of `stock-movement`, written a second time from its description: feed it the partition's records
 * in order. A repeated, late or reordered movement gives undefined. An entry that has ended is forgotten when event time has
 * moved on by 30 days, in steps of a sixty-fourth of that, and a movement that comes again later counts as new.
 *
 * @example
 * const ledger = new Ledger()
 * ledger.apply(restock)?.onHand // 10
 */
export class Ledger {
  readonly accounts = new Map<string, Account>()
  private newestMs = Number.NEGATIVE_INFINITY

  apply(movement: MovementRecord): StockUpdateRow | undefined {
    const { sku, orderId, eventId, timestampMs } = movement
    const account = this.accounts.get(sku) ?? newAccount()
    const id = orderId ?? eventId
    const known = account.entries.get(id)
    const outcome = outcomeOf(
      account,
      known === undefined || this.isForgotten(known) ? undefined : known,
      movement,
    )
    if (outcome === undefined) return undefined
    const { onHand, reserved, sold, type, entry } = outcome
    const version = account.version + 1
    this.newestMs = Math.max(this.newestMs, timestampMs)
    account.entries.set(id, { ...entry, bucket: bucketOf(timestampMs), horizon: this.horizon() })
    this.accounts.set(sku, { version, onHand, reserved, sold, entries: account.entries })
    return { version, eventId, orderId, type, quantity: entry.quantity, onHand, reserved, sold }
  }

  /** What is still remembered of a SKU. */
  entriesOf(sku: string): ReadonlyMap<string, LedgerEntry> {
    const entries = this.accounts.get(sku)?.entries ?? []
    return new Map([...entries].filter(([, entry]) => !this.isForgotten(entry)))
  }

  private horizon(): number {
    return bucketOf(this.newestMs - retentionMs)
  }

  private isForgotten({ state, bucket, horizon }: Remembered): boolean {
    const now = this.horizon()
    return state !== 'reserved' && horizon < now && bucket < now
  }
}
