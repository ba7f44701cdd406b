import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  encodeRecordBatch,
  maxRecordBytes,
  readRecordBatches,
  readRecords,
} from '../../src/kafka/record-batch.ts'
import type { Header, ProducedRecord } from '../../src/kafka/types.ts'
import { at } from './support.ts'

const bytes = fc.uint8Array({ maxLength: 200 }).map(array => Buffer.from(array))
const header = fc.tuple(fc.string({ maxLength: 12 }), bytes).map((pair): Header => pair)
const record = fc.record<ProducedRecord>({
  topic: fc.constant('t'),
  partition: fc.constant(0),
  timestamp: fc.oneof(fc.nat(), fc.integer({ min: 0, max: 2 ** 44 })),
  key: fc.option(bytes),
  value: fc.option(bytes),
  headers: fc.array(header, { maxLength: 4 }),
})
const records = fc.array(record, { minLength: 1, maxLength: 40 })
const compression = fc.constantFrom('none' as const, 'lz4' as const, 'zstd' as const)
const producer = { producerId: 9_007_199_254_740_993n, producerEpoch: 3, baseSequence: 17 }

const plain = ({ timestamp, key, value, headers }: Omit<ProducedRecord, 'topic' | 'partition'>) => ({
  timestamp,
  key: key?.toString('hex') ?? null,
  value: value?.toString('hex') ?? null,
  headers: headers.map(([name, content]) => [name, content.toString('hex')]),
})

describe('record batches', () => {
  it('give back what was written: nulls, empty values, headers twice, times in any order', () => {
    fc.assert(
      fc.property(records, compression, (written, how) => {
        const [batch] = readRecordBatches(encodeRecordBatch(written, producer, how, true))
        expect(batch).toMatchObject({
          producerId: producer.producerId,
          isTransactional: true,
          isControl: false,
          lastOffset: written.length - 1,
        })
        const read = readRecords(at(batch), 't', 0, 0)
        expect(read.map(plain)).toEqual(written.map(plain))
        expect(read.map(({ offset }) => offset)).toEqual(written.map((_, index) => index))
      }),
    )
  })

  it('leave out what lies before the offset asked for', () => {
    fc.assert(
      fc.property(records, compression, fc.nat(50), (written, how, from) => {
        const [batch] = readRecordBatches(encodeRecordBatch(written, producer, how, false))
        const offsets = readRecords(at(batch), 't', 0, from).map(({ offset }) => offset)
        expect(offsets).toEqual(written.map((_, index) => index).filter(index => index >= from))
      }),
    )
  })

  it('are found back to back, and a last one that is cut off is left alone', () => {
    fc.assert(
      fc.property(fc.array(records, { minLength: 1, maxLength: 4 }), fc.nat(10_000), (parts, seed) => {
        const encoded = parts.map(part => encodeRecordBatch(part, producer, 'none', true))
        const cut = 1 + (seed % (at(encoded.at(-1)).length - 1))
        const whole = Buffer.concat(encoded)
        expect(readRecordBatches(whole)).toHaveLength(parts.length)
        expect(readRecordBatches(whole.subarray(0, whole.length - cut))).toHaveLength(parts.length - 1)
      }),
    )
  })

  it('never exceed the size that splitting counts with', () => {
    fc.assert(
      fc.property(records, written => {
        const bound = written.reduce((sum, each) => sum + maxRecordBytes(each), 61)
        expect(encodeRecordBatch(written, producer, 'none', true).length).toBeLessThanOrEqual(bound)
      }),
    )
  })

  it('refuse a batch whose bytes have changed', () => {
    fc.assert(
      fc.property(records, compression, fc.nat(), (written, how, seed) => {
        const encoded = encodeRecordBatch(written, producer, how, true)
        const position = 21 + (seed % (encoded.length - 21))
        encoded[position] = at(encoded[position]) ^ 0x40
        const [batch] = readRecordBatches(encoded)
        expect(() => readRecords(at(batch), 't', 0, 0)).toThrow(
          expect.objectContaining({ code: 'SLUICE_KAFKA_CORRUPT_BATCH' }),
        )
      }),
    )
  })
})
