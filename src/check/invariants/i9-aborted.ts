import { streamNames, topicOf, type Evidence, type OrderRecord, type StockRow } from '../evidence.ts'
import { Findings } from '../findings.ts'
import type { Invariant } from './types.ts'

/** One committed record per topic and event id, of those who write by transactions: ours. */
const checkUnique = (findings: Findings, evidence: Evidence): void => {
  for (const name of streamNames) {
    const first = new Map<string, { partition: number; offset: number }>()
    for (const record of evidence.log.committed[name]) {
      if ('byRelay' in record && !record.byRelay) continue
      const { eventId, key, partition, offset } = record
      const earlier = first.get(eventId)
      if (earlier === undefined) first.set(eventId, record)
      const owner = name === 'movements' || name === 'updates' ? { sku: key } : { orderId: key }
      findings.expect(
        earlier === undefined,
        { ...owner, eventId, topic: topicOf[name], partition, offset },
        () =>
          `event ${eventId} was committed twice, first at partition ${earlier?.partition} offset ${earlier?.offset}`,
      )
    }
  }
}

const ordersOf = (records: readonly { readonly orderId: string | null }[]): Set<string> =>
  new Set(records.flatMap(({ orderId }) => (orderId === null ? [] : [orderId])))

const idsOf = (records: readonly { readonly eventId: string }[]): Set<string> =>
  new Set(records.map(({ eventId }) => eventId))

/** Rows in which Cassandra shows an end of an order: sold, or released by settlement. */
const settledRows = (evidence: Evidence, wanted: StockRow['state']): Set<string> => {
  const entries = new Set<string>()
  for (const generations of evidence.stock.values()) {
    for (const { rows } of generations)
      for (const { entry, state } of rows) if (state === wanted) entries.add(entry)
  }
  return entries
}

/** What only an aborted transaction wrote has no committed successor and is in no table. */
const checkAborted = (findings: Findings, evidence: Evidence): void => {
  const { committed, aborted } = evidence.log
  const committedIds = Object.fromEntries(streamNames.map(name => [name, idsOf(committed[name])]))
  const created = ordersOf(committed.created)
  const validated = ordersOf(committed.validated)
  const rejected = ordersOf(committed.rejected)
  const lines = ordersOf(committed.movements.filter(movement => movement.type === 'line'))
  const sales = ordersOf(committed.movements.filter(movement => movement.type === 'sale'))

  for (const record of aborted.outbox) {
    if (committedIds['outbox']?.has(record.eventId)) continue
    const adjusted = record.type === 'StockAdjusted'
    const seen = adjusted ? committedIds['movements']?.has(record.subjectId) : created.has(record.subjectId)
    const subject = adjusted ? { sku: record.key } : { orderId: record.subjectId }
    findings.expect(
      seen !== true,
      { ...subject, eventId: record.eventId, topic: topicOf.outbox },
      () => 'written by an aborted transaction only, yet processed',
    )
  }

  const checkOrders = (
    name: 'created' | 'validated' | 'confirmed' | 'rejected',
    seen: (order: OrderRecord) => string | undefined,
  ): void => {
    const known = ordersOf(committed[name])
    for (const record of aborted[name]) {
      if (known.has(record.orderId)) continue
      const trace = seen(record)
      const { orderId, eventId } = record
      findings.expect(
        trace === undefined,
        { orderId, eventId, topic: topicOf[name] },
        () => `${topicOf[name]} was written by an aborted transaction only, yet ${trace}`,
      )
    }
  }
  checkOrders('created', ({ orderId }) =>
    validated.has(orderId) || rejected.has(orderId) ? 'the order went on' : undefined,
  )
  checkOrders('validated', ({ orderId }) => (lines.has(orderId) ? 'its lines went to the ledger' : undefined))
  const soldRows = settledRows(evidence, 'sold')
  checkOrders('confirmed', ({ orderId }) => {
    if (evidence.orders.get(orderId)?.status === 'confirmed') return 'Postgres has it as confirmed'
    if (sales.has(orderId)) return 'its lines were sold in the ledger'
    return soldRows.has(orderId) ? 'Cassandra has it as sold' : undefined
  })
  checkOrders('rejected', ({ orderId }) =>
    evidence.orders.get(orderId)?.status === 'rejected' ? 'Postgres has it as rejected' : undefined,
  )

  for (const { eventId, sku } of aborted.movements) {
    if (committedIds['movements']?.has(eventId)) continue
    findings.expect(
      !committedIds['updates']?.has(eventId),
      { sku, eventId, topic: topicOf.movements },
      () => 'written by an aborted transaction only, yet the ledger applied it',
    )
  }
  const versionsOf = new Set(
    committed.updates.map(({ sku, version, eventId }) => `${sku}\n${version}\n${eventId}`),
  )
  for (const { sku, version, eventId } of aborted.updates) {
    if (versionsOf.has(`${sku}\n${version}\n${eventId}`)) continue
    const rows = evidence.stockUpdates.get(sku) ?? []
    findings.expect(
      !rows.some(row => row.version === version && row.eventId === eventId),
      { sku, eventId, topic: topicOf.updates },
      () => `version ${version} was written by an aborted transaction only, yet stands in the history`,
    )
  }
}

/** I9: aborted transactions leave no trace, committed ones exactly one. */
export const checkAbortedInvisible: Invariant = (evidence, { allowOpen }) => {
  const findings = new Findings(
    'I9',
    'no effect of an aborted transaction visible; one committed record per event',
  )
  checkUnique(findings, evidence)
  checkAborted(findings, evidence)
  for (const [topic, records] of evidence.log.undecided) {
    if (records === 0 || allowOpen) continue
    findings.expect(false, { topic }, () => `${records} records are of transactions that have not ended`)
  }
  return findings.result()
}
