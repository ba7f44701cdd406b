import { topicOf, type OrderRow } from '../evidence.ts'
import { Findings } from '../findings.ts'
import { addTo, countBy, groupBy, unionOfKeys } from './grouping.ts'
import type { Invariant } from './types.ts'

const unitsOf = (order: OrderRow): number => order.lines.reduce((sum, line) => sum + line.quantity, 0)

/** I3: every accepted order has exactly one end, its row says which, and its units were sold accordingly. */
export const checkOneEnd: Invariant = (evidence, { allowOpen }) => {
  const findings = new Findings('I3', 'each accepted order reaches exactly one end')
  const confirmed = groupBy(evidence.log.committed.confirmed, record => record.orderId)
  const rejected = countBy(evidence.log.committed.rejected, record => record.orderId)
  const sold = new Map<string, number>()
  for (const { type, orderId, quantity } of evidence.log.committed.updates) {
    if (type === 'sale' && orderId !== null) addTo(sold, orderId, quantity)
  }
  for (const [orderId, order] of evidence.orders) {
    const confirmations = confirmed.get(orderId)?.length ?? 0
    const rejections = rejected.get(orderId) ?? 0
    const ends = `${confirmations} order-confirmed and ${rejections} order-rejected`
    if (order.status === 'abandoned') {
      findings.expect(confirmations + rejections === 0, { orderId }, () => `abandoned, but has ${ends}`)
      continue
    }
    if (order.status === 'created' && confirmations + rejections === 0) {
      findings.expect(allowOpen, { orderId }, () => 'still open: no order-confirmed and no order-rejected')
      continue
    }
    findings.expect(confirmations + rejections === 1, { orderId }, () => `has ${ends} instead of one of them`)
    const expected = confirmations > 0 ? 'confirmed' : 'rejected'
    findings.expect(
      order.status === expected || (allowOpen && order.status === 'created'),
      { orderId },
      () => `status is ${order.status}, the log has ${ends}`,
    )
    const units = confirmations > 0 ? unitsOf(order) : 0
    findings.expect(
      allowOpen || (sold.get(orderId) ?? 0) === units,
      { orderId },
      () => `the ledger sold ${sold.get(orderId) ?? 0} units of it instead of ${units}`,
    )
    for (const record of confirmed.get(orderId) ?? []) {
      findings.expect(
        record.units === unitsOf(order) && record.totalMinor === order.totalMinor,
        { orderId, topic: topicOf.confirmed, partition: record.partition, offset: record.offset },
        () =>
          `confirmed ${record.units} units for ${record.totalMinor}, ` +
          `the row has ${unitsOf(order)} for ${order.totalMinor}`,
      )
    }
  }
  for (const orderId of unionOfKeys(confirmed, rejected)) {
    if (!evidence.orders.has(orderId))
      findings.expect(false, { orderId }, () => 'has an end, but no row in orders')
  }
  return findings.result()
}
