import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { maxRecordBytes } from '../../src/kafka/record-batch.ts'
import { planSend } from '../../src/kafka/send-plan.ts'
import type { ProducedRecord } from '../../src/kafka/types.ts'

const record = fc
  .record({ topic: fc.constantFrom('a', 'b'), partition: fc.nat(3), size: fc.nat(600) })
  .map(({ topic, partition, size }): ProducedRecord => ({
    topic,
    partition,
    timestamp: 0,
    key: null,
    value: Buffer.alloc(size),
    headers: [],
  }))

describe('planSend', () => {
  it('keeps every record once and in order, in batches below the limit, one per partition and round', () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 80 }), unmarked => {
        const records = unmarked.map((each, timestamp) => ({ ...each, timestamp }))
        const limit = 1000
        const rounds = planSend(records, limit)
        for (const round of rounds) {
          const keys = round.map(({ topic, partition }) => `${topic}:${partition}`)
          expect(new Set(keys).size).toBe(keys.length)
          for (const batch of round) {
            const size = batch.records.reduce((sum, each) => sum + maxRecordBytes(each), 0)
            expect(size <= limit || batch.records.length === 1).toBe(true)
          }
        }
        const planned = rounds.flat()
        for (const topic of ['a', 'b']) {
          for (let partition = 0; partition < 4; partition++) {
            const isHere = (of: { topic: string; partition: number }) =>
              of.topic === topic && of.partition === partition
            expect(planned.filter(isHere).flatMap(batch => batch.records)).toEqual(records.filter(isHere))
          }
        }
        expect(planned.every(({ records: of }) => of.length > 0)).toBe(true)
      }),
    )
  })
})
