import { crc32c, Writer } from '@platformatic/kafka'
import { SluiceError } from '../core/errors.ts'
import { ByteReader, readSafeInt64, sizeOfVarint, writeSafeInt64, writeVarint } from './bytes.ts'
import { codecOf, compress, decompress } from './compression.ts'
import type { Compression } from './compression.ts'
import type { ConsumedRecord, Header, ProducedRecord, TransactionMark } from './types.ts'

// Layout of a magic-2 batch: baseOffset 8, batchLength 4, leaderEpoch 4, magic 1, crc 4, attributes 2,
// lastOffsetDelta 4, baseTimestamp 8, maxTimestamp 8, producerId 8, producerEpoch 2, baseSequence 4, count 4.
/** Bytes of a batch before its records. */
export const headBytes = 61
const lengthAt = 8
const magicAt = 16
const crcAt = 17
const attributesAt = 21
const prefixBytes = 12

const codecMask = 0x07
const logAppendTimeBit = 0x08
const transactionalBit = 0x10
const controlBit = 0x20

/** Who writes a batch, for the broker's idempotence check. */
export interface BatchProducer {
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly baseSequence: number
}

/** One batch inside a fetched buffer; its records are not decoded yet. */
export interface RecordBatch {
  readonly buffer: Buffer
  readonly start: number
  readonly end: number
  readonly baseOffset: number
  readonly lastOffset: number
  readonly producerId: bigint
  readonly isTransactional: boolean
  readonly isControl: boolean
}

const noHeaders: readonly Header[] = []

// Header names repeat in every record; encoding each once is worth a small bounded table.
const names = new Map<string, Buffer>()
const nameOf = (name: string): Buffer => {
  const known = names.get(name)
  if (known !== undefined) return known
  const bytes = Buffer.from(name, 'utf8')
  if (names.size < 1000) names.set(name, bytes)
  return bytes
}

const bodyBytes = (record: ProducedRecord, offsetDelta: number, baseTimestamp: number): number => {
  let size = 1 + sizeOfVarint(record.timestamp - baseTimestamp) + sizeOfVarint(offsetDelta)
  size += record.key === null ? 1 : sizeOfVarint(record.key.length) + record.key.length
  size += record.value === null ? 1 : sizeOfVarint(record.value.length) + record.value.length
  size += sizeOfVarint(record.headers.length)
  for (const [name, value] of record.headers) {
    const nameLength = nameOf(name).length
    size += sizeOfVarint(nameLength) + nameLength + sizeOfVarint(value.length) + value.length
  }
  return size
}

/** An upper bound of what a record adds to a batch, for splitting before encoding. */
export const maxRecordBytes = (record: ProducedRecord): number => {
  let size = 36 + (record.key?.length ?? 0) + (record.value?.length ?? 0)
  for (const [name, value] of record.headers) size += 10 + nameOf(name).length + value.length
  return size
}

const writeBytes = (buffer: Buffer, position: number, bytes: Buffer | null): number => {
  if (bytes === null) return writeVarint(buffer, position, -1)
  const start = writeVarint(buffer, position, bytes.length)
  bytes.copy(buffer, start)
  return start + bytes.length
}

const writeRecord = (
  buffer: Buffer,
  start: number,
  record: ProducedRecord,
  offsetDelta: number,
  baseTimestamp: number,
): number => {
  let position = writeVarint(buffer, start, bodyBytes(record, offsetDelta, baseTimestamp))
  buffer[position++] = 0
  position = writeVarint(buffer, position, record.timestamp - baseTimestamp)
  position = writeVarint(buffer, position, offsetDelta)
  position = writeBytes(buffer, position, record.key)
  position = writeBytes(buffer, position, record.value)
  position = writeVarint(buffer, position, record.headers.length)
  for (const [name, value] of record.headers) {
    position = writeBytes(buffer, position, nameOf(name))
    position = writeBytes(buffer, position, value)
  }
  return position
}

// Handing the client's function a plain Buffer makes it copy all bytes first; its own buffer type is taken as it is.
const checksum = (bytes: Buffer): number => crc32c(Writer.create().append(bytes).dynamicBuffer)

/**
 * One record batch (magic 2) of at least one record, as the Produce request carries it.
 *
 * @example encodeRecordBatch(records, { producerId: 7n, producerEpoch: 0, baseSequence: 0 }, 'lz4', true)
 */
export const encodeRecordBatch = (
  records: readonly ProducedRecord[],
  producer: BatchProducer,
  compression: Compression,
  isTransactional: boolean,
): Buffer => {
  const baseTimestamp = records[0]?.timestamp ?? 0
  let bound = headBytes
  let maxTimestamp = baseTimestamp
  for (const record of records) {
    bound += maxRecordBytes(record)
    if (record.timestamp > maxTimestamp) maxTimestamp = record.timestamp
  }
  const scratch = Buffer.allocUnsafe(bound)
  let end = headBytes
  for (let index = 0; index < records.length; index++) {
    const record = records[index]
    if (record !== undefined) end = writeRecord(scratch, end, record, index, baseTimestamp)
  }
  let batch = scratch.subarray(0, end)
  if (compression !== 'none') {
    const packed = compress(compression, batch.subarray(headBytes))
    batch = Buffer.allocUnsafe(headBytes + packed.length)
    packed.copy(batch, headBytes)
  }
  writeSafeInt64(batch, 0, 0)
  batch.writeInt32BE(batch.length - prefixBytes, lengthAt)
  batch.writeInt32BE(-1, prefixBytes)
  batch.writeInt8(2, magicAt)
  batch.writeInt16BE(codecOf(compression) | (isTransactional ? transactionalBit : 0), attributesAt)
  batch.writeInt32BE(records.length - 1, 23)
  writeSafeInt64(batch, 27, baseTimestamp)
  writeSafeInt64(batch, 35, maxTimestamp)
  batch.writeBigInt64BE(producer.producerId, 43)
  batch.writeInt16BE(producer.producerEpoch, 51)
  batch.writeInt32BE(producer.baseSequence, 53)
  batch.writeInt32BE(records.length, 57)
  batch.writeUInt32BE(checksum(batch.subarray(attributesAt)), crcAt)
  return batch
}

/** The batches of a fetched buffer, in order; a last one that was cut off is left for the next fetch. */
export const readRecordBatches = (buffer: Buffer): RecordBatch[] => {
  const batches: RecordBatch[] = []
  let start = 0
  while (start + headBytes <= buffer.length) {
    const end = start + prefixBytes + buffer.readInt32BE(start + lengthAt)
    if (end > buffer.length) break
    const baseOffset = readSafeInt64(buffer, start)
    const magic = buffer.readInt8(start + magicAt)
    if (magic !== 2) {
      throw new SluiceError({
        code: 'SLUICE_KAFKA_OLD_FORMAT',
        message: `the batch at offset ${baseOffset} has the record format ${magic}; only 2 is read`,
        remedy: 'rewrite the topic with a producer of Kafka 0.11 or newer',
      })
    }
    const attributes = buffer.readInt16BE(start + attributesAt)
    batches.push({
      buffer,
      start,
      end,
      baseOffset,
      lastOffset: baseOffset + buffer.readInt32BE(start + 23),
      producerId: buffer.readBigInt64BE(start + 43),
      isTransactional: (attributes & transactionalBit) !== 0,
      isControl: (attributes & controlBit) !== 0,
    })
    start = end
  }
  return batches
}

/** Whether a control batch is an abort marker (its key is: version, then type; type 0 means abort). */
export const isAbortMarker = (batch: RecordBatch): boolean => {
  const reader = new ByteReader(batch.buffer, batch.start + headBytes)
  reader.varint()
  reader.int8()
  reader.varlong()
  reader.varint()
  reader.varint()
  reader.int16()
  return reader.int16() === 0
}

const readHeaders = (reader: ByteReader): readonly Header[] => {
  const count = reader.varint()
  if (count === 0) return noHeaders
  const headers: Header[] = []
  for (let index = 0; index < count; index++) {
    const name = reader.view(reader.varint()).toString('utf8')
    const length = reader.varint()
    // A header without a value is read as an empty one: the type of a header's value has no null.
    headers.push([name, length < 0 ? Buffer.alloc(0) : reader.view(length)])
  }
  return headers
}

/** The records of a batch from `fromOffset` on; keys, values and header values are views into the fetched bytes. */
export const readRecords = (
  batch: RecordBatch,
  topic: string,
  partition: number,
  fromOffset: number,
): ConsumedRecord[] => {
  const { buffer, start, end, baseOffset } = batch
  if (checksum(buffer.subarray(start + attributesAt, end)) !== buffer.readUInt32BE(start + crcAt)) {
    throw new SluiceError({
      code: 'SLUICE_KAFKA_CORRUPT_BATCH',
      message: `the batch at ${topic}-${partition} offset ${baseOffset} does not match its checksum`,
      remedy:
        'assign the partition again from its position; when it stays so, the log on the broker is damaged',
      reaction: 'retry',
      details: { topic, partition, offset: baseOffset },
    })
  }
  const attributes = buffer.readInt16BE(start + attributesAt)
  const baseTimestamp = readSafeInt64(buffer, start + 27)
  const appendTime = (attributes & logAppendTimeBit) === 0 ? undefined : readSafeInt64(buffer, start + 35)
  const count = buffer.readInt32BE(start + 57)
  const reader = new ByteReader(decompress(attributes & codecMask, buffer.subarray(start + headBytes, end)))
  const records: ConsumedRecord[] = []
  for (let index = 0; index < count; index++) {
    const recordEnd = reader.varint() + reader.position
    reader.position++
    const timestamp = baseTimestamp + reader.varlong()
    const offset = baseOffset + reader.varint()
    if (offset < fromOffset) {
      reader.position = recordEnd
      continue
    }
    const keyLength = reader.varint()
    const key = keyLength < 0 ? null : reader.view(keyLength)
    const valueLength = reader.varint()
    const value = valueLength < 0 ? null : reader.view(valueLength)
    const headers = readHeaders(reader)
    records.push({ topic, partition, offset, timestamp: appendTime ?? timestamp, key, value, headers })
    reader.position = recordEnd
  }
  return records
}

/** The same, each with the transaction that it belongs to; of a control batch, its marker. */
export const readMarkedRecords = (
  batch: RecordBatch,
  topic: string,
  partition: number,
  fromOffset: number,
): ConsumedRecord[] => {
  const records = readRecords(batch, topic, partition, fromOffset)
  if (!batch.isTransactional) return records
  const { producerId } = batch
  const transaction: TransactionMark = batch.isControl
    ? { producerId, marker: isAbortMarker(batch) ? 'abort' : 'commit' }
    : { producerId }
  return records.map(record => ({ ...record, transaction }))
}
