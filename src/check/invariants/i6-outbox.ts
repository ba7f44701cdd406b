import { topicOf } from '../evidence.ts'
import { Findings } from '../findings.ts'
import { countBy } from './grouping.ts'
import type { Invariant } from './types.ts'

/** I6: what was committed is on the topic once and took effect once; orders and adjustments stand in for pruned rows. */
export const checkOutbox: Invariant = evidence => {
  const findings = new Findings('I6', 'every committed outbox row is on the topic, with its effect once')
  const { committed } = evidence.log
  const onTopic = countBy(committed.outbox, record => record.eventId)
  const bySubject = countBy(committed.outbox, record => `${record.type}\n${record.subjectId}`)
  const created = countBy(committed.created, record => record.orderId)
  const validated = countBy(committed.validated, record => record.orderId)
  const movements = countBy(
    committed.movements.filter(movement => movement.type === 'adjustment'),
    movement => movement.eventId,
  )
  const updates = countBy(
    committed.updates.filter(update => update.orderId === null),
    update => update.eventId,
  )

  for (const [eventId, row] of evidence.outboxRows) {
    const times = onTopic.get(eventId) ?? 0
    const subject = row.type === 'StockAdjusted' ? { sku: row.aggregateId } : { orderId: row.aggregateId }
    findings.expect(
      times === 1,
      { ...subject, eventId, topic: topicOf.outbox },
      () => `outbox row ${row.type} is on the topic ${times} times instead of once`,
    )
  }
  for (const [orderId, { status }] of evidence.orders) {
    if (status === 'abandoned') continue
    const rows = bySubject.get(`OrderCreated\n${orderId}`) ?? 0
    findings.expect(
      rows === 1,
      { orderId, topic: topicOf.outbox },
      () => `is on the topic ${rows} times instead of once`,
    )
    const times = created.get(orderId) ?? 0
    findings.expect(
      times === 1,
      { orderId, topic: topicOf.created },
      () => `has ${times} order-created instead of one`,
    )
  }
  for (const [orderId, times] of validated) {
    findings.expect(
      times === 1,
      { orderId, topic: topicOf.validated },
      () => `has ${times} order-validated instead of one`,
    )
  }
  for (const [eventId, { sku, quantity }] of evidence.adjustments) {
    const subject = { sku, eventId }
    const rows = bySubject.get(`StockAdjusted\n${eventId}`) ?? 0
    const moved = movements.get(eventId) ?? 0
    const applied = updates.get(eventId) ?? 0
    findings.expect(
      rows === 1,
      { ...subject, topic: topicOf.outbox },
      () => `adjustment of ${quantity} is on the topic ${rows} times instead of once`,
    )
    findings.expect(
      moved === 1,
      { ...subject, topic: topicOf.movements },
      () => `adjustment of ${quantity} has ${moved} stock-movement instead of one`,
    )
    findings.expect(
      applied === 1,
      { ...subject, topic: topicOf.updates },
      () => `adjustment of ${quantity} has ${applied} stock-update instead of one`,
    )
  }
  return findings.result()
}
