import type { Compression } from './compression.ts'
import { encodeRecordBatch, headBytes, maxRecordBytes } from './record-batch.ts'
import type { ProducedRecord } from './types.ts'

/** How our producers compress unless told otherwise. */
export const defaultCompression: Compression = 'lz4'

/** A broker's `message.max.bytes` as it comes. */
export const brokerMaxMessageBytes = 1_048_588

/**
 * Whether the broker takes this record into a topic with this `max.message.bytes`, in a batch of its own, compressed as our
 * producers do. Only what is near the limit is really compressed.
 *
 * @example fitsTopic(record, 1_048_588)
 */
export const fitsTopic = (
  record: ProducedRecord,
  maxMessageBytes: number,
  compression: Compression = defaultCompression,
): boolean => {
  if (headBytes + maxRecordBytes(record) <= maxMessageBytes) return true
  const producer = { producerId: 0n, producerEpoch: 0, baseSequence: 0 }
  return encodeRecordBatch([record], producer, compression, true).length <= maxMessageBytes
}
