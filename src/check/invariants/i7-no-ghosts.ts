import { topicOf, type Evidence, type StockRow } from '../evidence.ts'
import { Findings } from '../findings.ts'
import type { Invariant, InvariantOptions } from './types.ts'

/** Every event goes back to a row that was committed. */
const checkEvents = (findings: Findings, evidence: Evidence): void => {
  const { committed } = evidence.log
  for (const { eventId, type, subjectId, key, partition, offset } of committed.outbox) {
    const adjusted = type === 'StockAdjusted'
    const origins = adjusted ? evidence.adjustments : evidence.orders
    const subject = adjusted ? { sku: key } : { orderId: subjectId }
    findings.expect(
      evidence.outboxRows.has(eventId) || origins.has(subjectId),
      { ...subject, eventId, topic: topicOf.outbox, partition, offset },
      () => `${type} of ${subjectId} is on the topic, but no committed row has it`,
    )
  }
  for (const name of ['created', 'validated', 'confirmed', 'rejected'] as const) {
    for (const { orderId, partition, offset } of committed[name]) {
      const status = evidence.orders.get(orderId)?.status
      findings.expect(
        status !== undefined && status !== 'abandoned',
        { orderId, topic: topicOf[name], partition, offset },
        () => (status === undefined ? 'no row in orders' : 'the order was abandoned before it was committed'),
      )
    }
  }
  for (const { eventId, type, sku, orderId, partition, offset } of committed.movements) {
    const known =
      type === 'adjustment' ? evidence.adjustments.has(eventId) : evidence.orders.has(orderId ?? '')
    findings.expect(
      known,
      { sku, eventId, topic: topicOf.movements, partition, offset, ...(orderId !== null && { orderId }) },
      () => `a stock-movement (${type}) of no committed ${type === 'adjustment' ? 'adjustment' : 'order'}`,
    )
  }
}

/** Why nobody has a claim on a held row, if nobody has. */
const originOfOrphan = (entry: string, evidence: Evidence): string | undefined => {
  if (evidence.orders.get(entry)?.status === 'abandoned') return 'its order was abandoned'
  if (evidence.abandonedAdjustments.has(entry)) return 'its adjustment was abandoned'
  return evidence.orders.has(entry) || evidence.adjustments.has(entry)
    ? undefined
    : 'no order or adjustment has it'
}

const faultOfHeld = (row: StockRow, evidence: Evidence, options: InvariantOptions): string | undefined => {
  const ageMs = evidence.takenAtMs - row.atMs
  const orphan = originOfOrphan(row.entry, evidence)
  if (orphan !== undefined) {
    return ageMs > options.orphanGraceMs
      ? `${orphan}, and it is ${Math.round(ageMs / 1000)} s old`
      : undefined
  }
  if (options.allowOpen) return undefined
  const order = evidence.orders.get(row.entry)
  if (order === undefined) return 'its adjustment is committed, but was not settled'
  return order.status === 'created' ? undefined : `its order is ${order.status}`
}

/** No reservation outlives what it was made for. */
const checkReservations = (findings: Findings, evidence: Evidence, options: InvariantOptions): void => {
  for (const [sku, generations] of evidence.stock) {
    for (const { generation, rows } of generations) {
      for (const row of rows) {
        const fault = row.state === 'held' ? faultOfHeld(row, evidence, options) : undefined
        findings.expect(
          fault === undefined,
          { sku, orderId: row.entry },
          () => `${row.quantity} held in generation ${generation}: ${fault ?? ''}`,
        )
      }
    }
  }
}

/** I7: no event without its row, and no reservation outlives its order. */
export const checkNoGhosts: Invariant = (evidence, options) => {
  const findings = new Findings('I7', 'no event without its row, no reservation outlives its order')
  checkEvents(findings, evidence)
  checkReservations(findings, evidence, options)
  return findings.result()
}
