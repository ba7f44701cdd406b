import {
  streamNames,
  topicOf,
  type Evidence,
  type MovementRecord,
  type OrderRecord,
  type Streams,
} from '../evidence.ts'
import { Findings } from '../findings.ts'
import { partitionOf } from '../murmur2.ts'
import type { Subject } from '../types.ts'
import type { Invariant } from './types.ts'

type AnyRecord = Streams[keyof Streams][number]

const subjectOf = (record: AnyRecord): Subject => {
  const { eventId } = record
  if ('sku' in record) return { sku: record.sku, eventId }
  if ('orderId' in record) return { orderId: record.orderId }
  return record.type === 'StockAdjusted' ? { sku: record.key, eventId } : { orderId: record.key, eventId }
}

/** What the key has to be; an outbox record says it nowhere else. */
const ownerOf = (record: AnyRecord): string => {
  if ('sku' in record) return record.sku
  return 'orderId' in record ? record.orderId : record.key
}

/** Every record lies in the partition of its key, and so each key in exactly one. */
const checkPartitions = (findings: Findings, evidence: Evidence): void => {
  for (const name of streamNames) {
    const topic = topicOf[name]
    const partitionCount = evidence.log.partitionCounts.get(topic) ?? 1
    const due = new Map<string, number>()
    for (const record of evidence.log.committed[name]) {
      const { key, partition, offset } = record
      const owner = ownerOf(record)
      const expected = due.get(key) ?? partitionOf(key, partitionCount)
      due.set(key, expected)
      findings.expect(
        partition === expected && key === owner,
        { ...subjectOf(record), topic, partition, offset },
        () =>
          key === owner
            ? `key ${key} belongs in partition ${expected} of ${partitionCount}`
            : `the key is ${key} instead of ${owner}`,
      )
    }
  }
}

const firstByOrder = (records: readonly OrderRecord[]): Map<string, OrderRecord> => {
  const first = new Map<string, OrderRecord>()
  for (const record of records) if (!first.has(record.orderId)) first.set(record.orderId, record)
  return first
}

/** created ≤ validated ≤ end by event time, each caused by the one before; a rejection may skip validation. */
const checkOrders = (findings: Findings, evidence: Evidence): void => {
  const created = firstByOrder(evidence.log.committed.created)
  const validated = firstByOrder(evidence.log.committed.validated)
  const follow = (
    effect: OrderRecord,
    cause: OrderRecord | undefined,
    effectTopic: string,
    causeTopic: string,
  ): void => {
    const { orderId, partition, offset } = effect
    findings.expect(
      cause !== undefined && cause.timestampMs <= effect.timestampMs,
      { orderId, topic: effectTopic, partition, offset },
      () =>
        cause === undefined
          ? `has ${effectTopic} without ${causeTopic}`
          : `${effectTopic} is ${cause.timestampMs - effect.timestampMs} ms older than its ${causeTopic}`,
    )
  }
  for (const record of evidence.log.committed.validated) {
    follow(record, created.get(record.orderId), topicOf.validated, topicOf.created)
  }
  for (const record of evidence.log.committed.confirmed) {
    follow(record, validated.get(record.orderId), topicOf.confirmed, topicOf.validated)
  }
  for (const record of evidence.log.committed.rejected) {
    const cause = validated.get(record.orderId) ?? created.get(record.orderId)
    follow(record, cause, topicOf.rejected, topicOf.created)
  }
}

/** Versions of a SKU ascend with the offset. */
const checkVersions = (findings: Findings, evidence: Evidence): void => {
  const last = new Map<string, number>()
  for (const { sku, version, eventId, partition, offset } of evidence.log.committed.updates) {
    const previous = last.get(sku) ?? 0
    findings.expect(
      version > previous,
      { sku, eventId, topic: topicOf.updates, partition, offset },
      () => `version ${version} comes after version ${previous}`,
    )
    last.set(sku, Math.max(previous, version))
  }
}

const lineKey = (movement: MovementRecord): string => `${movement.sku}\n${movement.orderId}`

/** A line of an order is taken before it is sold. */
const checkMovements = (findings: Findings, evidence: Evidence): void => {
  const lines = new Set<string>()
  for (const movement of evidence.log.committed.movements) {
    const { type, sku, orderId, eventId, partition, offset } = movement
    if (type === 'line') lines.add(lineKey(movement))
    if (type !== 'sale') continue
    findings.expect(
      lines.has(lineKey(movement)),
      { sku, eventId, topic: topicOf.movements, partition, offset, ...(orderId !== null && { orderId }) },
      () => 'a sale with no line of its order before it',
    )
  }
}

/** I5: what happens to one key happens in one partition and in the order of its causes. */
export const checkOrderPerKey: Invariant = evidence => {
  const findings = new Findings('I5', 'per-key order: one partition per key, causes before effects')
  checkPartitions(findings, evidence)
  checkOrders(findings, evidence)
  checkVersions(findings, evidence)
  checkMovements(findings, evidence)
  return findings.result()
}
