import { maxRecordBytes } from './record-batch.ts'
import type { ProducedRecord } from './types.ts'

/** The records of one partition in one batch. */
export interface PlannedBatch {
  readonly topic: string
  readonly partition: number
  readonly records: readonly ProducedRecord[]
}

const splitBySize = (
  records: readonly ProducedRecord[],
  maxBatchBytes: number,
): (readonly ProducedRecord[])[] => {
  const parts: (readonly ProducedRecord[])[] = []
  let start = 0
  let size = 0
  for (let index = 0; index < records.length; index++) {
    const record = records[index]
    const bytes = record === undefined ? 0 : maxRecordBytes(record)
    if (index > start && size + bytes > maxBatchBytes) {
      parts.push(records.slice(start, index))
      start = index
      size = 0
    }
    size += bytes
  }
  if (start === 0) return [records]
  parts.push(records.slice(start))
  return parts
}

/**
 * Rounds of batches: each round has at most one batch per partition, so that a partition's batches are acknowledged in
 * order, and rounds follow one another. The order of records within a partition is kept.
 */
export const planSend = (records: readonly ProducedRecord[], maxBatchBytes: number): PlannedBatch[][] => {
  const topics = new Map<string, ProducedRecord[][]>()
  for (const record of records) {
    let partitions = topics.get(record.topic)
    if (partitions === undefined) topics.set(record.topic, (partitions = []))
    const known = partitions[record.partition]
    if (known === undefined) partitions[record.partition] = [record]
    else known.push(record)
  }
  const rounds: PlannedBatch[][] = []
  for (const [topic, partitions] of topics) {
    partitions.forEach((of, partition) => {
      splitBySize(of, maxBatchBytes).forEach((part, round) => {
        ;(rounds[round] ??= []).push({ topic, partition, records: part })
      })
    })
  }
  return rounds
}
