import { topicOf, type OutboxRecord } from '../evidence.ts'
import { Findings } from '../findings.ts'
import { countBy, groupBy } from './grouping.ts'
import type { Invariant } from './types.ts'

/** The copies of one row or subject on the topic. */
interface Copies {
  readonly all: number
  readonly ofRelay: number
  /** Rows they are copies of. */
  readonly rows: number
}

const none: Copies = { all: 0, ofRelay: 0, rows: 0 }

const copiesBy = (
  records: readonly OutboxRecord[],
  keyOf: (record: OutboxRecord) => string,
): Map<string, Copies> => {
  const copies = new Map<string, Copies>()
  for (const [key, found] of groupBy(records, keyOf)) {
    const ofRelay = found.filter(record => record.byRelay).length
    copies.set(key, { all: found.length, ofRelay, rows: new Set(found.map(record => record.eventId)).size })
  }
  return copies
}

/** Our relay writes a row once. What others write may come again, and beside ours: the flow drops second copies. */
const isOnce = ({ all, ofRelay, rows }: Copies): boolean => all > 0 && ofRelay <= 1 && rows <= 1

const describeCopies = ({ all, ofRelay, rows }: Copies): string =>
  `is on the topic ${all} times${all === 0 ? '' : ` (${rows} rows, ${ofRelay} times by the relay)`} instead of once`

/** I6: what was committed is on the topic once and took effect once; orders and adjustments stand in for pruned rows. */
export const checkOutbox: Invariant = evidence => {
  const findings = new Findings('I6', 'every committed outbox row is on the topic, with its effect once')
  const { committed } = evidence.log
  const onTopic = copiesBy(committed.outbox, record => record.eventId)
  const bySubject = copiesBy(committed.outbox, record => `${record.type}\n${record.subjectId}`)
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
    const copies = onTopic.get(eventId) ?? none
    const subject = row.type === 'StockAdjusted' ? { sku: row.aggregateId } : { orderId: row.aggregateId }
    findings.expect(
      isOnce(copies),
      { ...subject, eventId, topic: topicOf.outbox },
      () => `outbox row ${row.type} ${describeCopies(copies)}`,
    )
  }
  for (const [orderId, { status }] of evidence.orders) {
    if (status === 'abandoned') continue
    const copies = bySubject.get(`OrderCreated\n${orderId}`) ?? none
    findings.expect(isOnce(copies), { orderId, topic: topicOf.outbox }, () => describeCopies(copies))
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
    const copies = bySubject.get(`StockAdjusted\n${eventId}`) ?? none
    const moved = movements.get(eventId) ?? 0
    const applied = updates.get(eventId) ?? 0
    findings.expect(
      isOnce(copies),
      { ...subject, topic: topicOf.outbox },
      () => `adjustment of ${quantity} ${describeCopies(copies)}`,
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
