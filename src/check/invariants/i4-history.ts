import { topicOf, type StockStateRow, type StockUpdateRow, type UpdateRecord } from '../evidence.ts'
import { Findings } from '../findings.ts'
import { groupBy, unionOfKeys } from './grouping.ts'
import type { Invariant } from './types.ts'

interface Running {
  onHand: number
  reserved: number
  sold: number
  readonly reservations: Map<string, number>
}

const numbers = ({ onHand, reserved, sold }: Pick<StockStateRow, 'onHand' | 'reserved' | 'sold'>): string =>
  `on hand ${onHand}, reserved ${reserved}, sold ${sold}`

const sameNumbers = (one: Omit<StockStateRow, 'version'>, other: Omit<StockStateRow, 'version'>): boolean =>
  one.onHand === other.onHand && one.reserved === other.reserved && one.sold === other.sold

/** The arithmetic of the ledger, written a second time: a release of what was never reserved changes nothing. */
const apply = (running: Running, { type, quantity, orderId }: StockUpdateRow): void => {
  const order = orderId ?? ''
  if (type === 'adjustment') running.onHand += quantity
  if (type === 'reservation') {
    running.reserved += quantity
    running.reservations.set(order, quantity)
  }
  if (type === 'sale') {
    running.onHand -= quantity
    running.reserved -= quantity
    running.sold += quantity
    running.reservations.delete(order)
  }
  if (type === 'release' && running.reservations.delete(order)) running.reserved -= quantity
}

const sameRow = (row: StockUpdateRow, record: UpdateRecord): boolean =>
  row.version === record.version &&
  row.eventId === record.eventId &&
  row.orderId === record.orderId &&
  row.type === record.type &&
  row.quantity === record.quantity &&
  sameNumbers(row, record)

const checkSums = (findings: Findings, sku: string, rows: readonly StockUpdateRow[]): void => {
  const running: Running = { onHand: 0, reserved: 0, sold: 0, reservations: new Map() }
  for (const [index, row] of rows.entries()) {
    const subject = { sku, eventId: row.eventId }
    findings.expect(
      row.version === index + 1,
      subject,
      () => `history has version ${row.version} where ${index + 1} is due`,
    )
    apply(running, row)
    if (sameNumbers(running, row)) continue
    findings.expect(
      false,
      subject,
      () =>
        `after the ${row.type} of version ${row.version} history says ${numbers(row)}, its sum is ${numbers(running)}`,
    )
    // One wrong row is one violation: go on from what it says.
    Object.assign(running, { onHand: row.onHand, reserved: row.reserved, sold: row.sold })
  }
}

const checkAgainstTopic = (
  findings: Findings,
  sku: string,
  rows: readonly StockUpdateRow[],
  records: readonly UpdateRecord[],
): void => {
  const byVersion = new Map(rows.map(row => [row.version, row]))
  const versions = new Set<number>()
  for (const record of records) {
    const { version, eventId, partition, offset } = record
    versions.add(version)
    const row = byVersion.get(version)
    findings.expect(
      row !== undefined && sameRow(row, record),
      { sku, eventId, topic: topicOf.updates, partition, offset },
      () =>
        row === undefined
          ? `version ${version} of the topic is missing in the history`
          : `version ${version} is ${row.type} ${row.quantity} (${numbers(row)}) in the history, ` +
            `${record.type} ${record.quantity} (${numbers(record)}) on the topic`,
    )
  }
  for (const { version, eventId } of rows) {
    if (!versions.has(version)) {
      findings.expect(false, { sku, eventId }, () => `version ${version} of the history is not on the topic`)
    }
  }
}

/** I4: per SKU the history has every version once, equals the topic row by row, and sums to the state. */
export const checkHistory: Invariant = evidence => {
  const findings = new Findings('I4', 'the history sums to the state, without gaps, as on the topic')
  const records = groupBy(evidence.log.committed.updates, record => record.sku)
  for (const sku of unionOfKeys(evidence.stockStates, evidence.stockUpdates, records)) {
    const rows = evidence.stockUpdates.get(sku) ?? []
    const state = evidence.stockStates.get(sku)
    const last = rows.at(-1)
    checkSums(findings, sku, rows)
    checkAgainstTopic(findings, sku, rows, records.get(sku) ?? [])
    findings.expect(
      state !== undefined && last !== undefined && state.version === last.version && sameNumbers(state, last),
      { sku },
      () =>
        state === undefined
          ? 'has a history, but no row in stock_state'
          : last === undefined
            ? 'has a row in stock_state, but no history'
            : `stock_state has ${numbers(state)} at version ${state.version}, ` +
              `the history ends with ${numbers(last)} at version ${last.version}`,
    )
  }
  return findings.result()
}
