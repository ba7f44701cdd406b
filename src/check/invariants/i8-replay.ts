import {
  ledgerTopicOf,
  topicOf,
  type Evidence,
  type LedgerEntry,
  type MovementRecord,
  type StockStateRow,
  type StockUpdateRow,
  type UpdateRecord,
} from '../evidence.ts'
import { Findings } from '../findings.ts'
import { groupBy, unionOfKeys } from './grouping.ts'
import { Ledger } from './ledger.ts'
import type { Invariant } from './types.ts'

const numbers = ({ version, onHand, reserved, sold }: StockStateRow): string =>
  `version ${version}: on hand ${onHand}, reserved ${reserved}, sold ${sold}`

const event = (row: StockUpdateRow): string =>
  `${row.type} ${row.quantity} by ${row.eventId}, ${numbers(row)}`

const sameNumbers = (one: StockStateRow, other: StockStateRow): boolean =>
  one.version === other.version &&
  one.onHand === other.onHand &&
  one.reserved === other.reserved &&
  one.sold === other.sold

const sameEvent = (one: StockUpdateRow, other: StockUpdateRow): boolean =>
  sameNumbers(one, other) &&
  one.eventId === other.eventId &&
  one.orderId === other.orderId &&
  one.type === other.type &&
  one.quantity === other.quantity

/** The committed updates of one SKU, walked along with the replay by version. */
class Walk {
  private readonly records: readonly UpdateRecord[]
  private next = 0

  constructor(records: readonly UpdateRecord[]) {
    this.records = records
  }

  /** The record of a version, and the ones passed over on the way to it. */
  to(version: number): {
    readonly found: UpdateRecord | undefined
    readonly passed: readonly UpdateRecord[]
  } {
    const from = this.next
    while ((this.records[this.next]?.version ?? version) < version) this.next += 1
    const passed = this.records.slice(from, this.next)
    const found = this.records[this.next]?.version === version ? this.records[this.next] : undefined
    if (found !== undefined) this.next += 1
    return { found, passed }
  }

  rest(): readonly UpdateRecord[] {
    return this.records.slice(this.next)
  }
}

/** Replays the movements partition by partition, and compares each update they make with the committed one. */
const checkUpdates = (findings: Findings, evidence: Evidence): Ledger[] => {
  const { movements, updates } = evidence.log.committed
  const walks = new Map<string, Walk>()
  for (const [sku, records] of groupBy(updates, record => record.sku)) walks.set(sku, new Walk(records))
  const surplus = (records: readonly UpdateRecord[]): void => {
    for (const record of records) {
      const { sku, eventId, partition, offset } = record
      const subject = { sku, eventId, topic: topicOf.updates, partition, offset }
      findings.expect(false, subject, () => `no stock-movement makes this update (${event(record)})`)
    }
  }
  const compare = (movement: MovementRecord, due: StockUpdateRow): void => {
    const { sku, eventId, partition, offset } = movement
    const { found, passed } = walks.get(sku)?.to(due.version) ?? { found: undefined, passed: [] }
    surplus(passed)
    findings.expect(
      found !== undefined && sameEvent(found, due),
      { sku, eventId, topic: topicOf.movements, partition, offset },
      () =>
        `replay makes of it ${event(due)}; ` +
        (found === undefined ? 'there is no such stock-update' : `the stock-update is ${event(found)}`),
    )
  }
  const ledgers = [...groupBy(movements, movement => String(movement.partition)).values()].map(records => {
    const ledger = new Ledger()
    for (const movement of records) {
      const due = ledger.apply(movement)
      if (due !== undefined) compare(movement, due)
    }
    return ledger
  })
  for (const walk of walks.values()) surplus(walk.rest())
  return ledgers
}

const checkEntries = (
  findings: Findings,
  sku: string,
  due: ReadonlyMap<string, LedgerEntry>,
  kept: ReadonlyMap<string, LedgerEntry>,
): void => {
  const topic = ledgerTopicOf.entries
  findings.expect(
    due.size === kept.size,
    { sku, topic },
    () => `the changelog has ${kept.size} entries, replay ${due.size}`,
  )
  for (const [id, { state, quantity }] of due) {
    const entry = kept.get(id)
    if (entry === undefined) continue
    findings.expect(
      entry.state === state && entry.quantity === quantity,
      { sku, topic },
      () =>
        `entry ${id} is ${entry.state} ${entry.quantity} in the changelog, ${state} ${quantity} by replay`,
    )
  }
}

/** I8: the ledger replayed from its movements equals what was published of it, what it keeps, and what Cassandra shows. */
export const checkReplay: Invariant = evidence => {
  const findings = new Findings('I8', 'replayed ledger = updates, changelog and stock_state')
  const ledgers = checkUpdates(findings, evidence)
  const levels = new Map(ledgers.flatMap(ledger => [...ledger.accounts]))
  const { changelog } = evidence.log
  const remembered = (sku: string): ReadonlyMap<string, LedgerEntry> =>
    ledgers.find(ledger => ledger.accounts.has(sku))?.entriesOf(sku) ?? new Map()
  const compare = (sku: string, source: string, live: StockStateRow | undefined): void => {
    const due = levels.get(sku)
    findings.expect(
      live !== undefined && due !== undefined && sameNumbers(live, due),
      { sku },
      () =>
        `${source} has ${live === undefined ? 'nothing' : numbers(live)}; ` +
        `replay gives ${due === undefined ? 'nothing' : numbers(due)}`,
    )
  }
  for (const sku of unionOfKeys(levels, changelog.levels, changelog.entries, evidence.stockStates)) {
    compare(sku, ledgerTopicOf.levels, changelog.levels.get(sku))
    compare(sku, 'stock_state', evidence.stockStates.get(sku))
    checkEntries(findings, sku, remembered(sku), changelog.entries.get(sku) ?? new Map())
  }
  return findings.result()
}
