import { expect, test } from 'vitest'
import {
  packRecordedLog,
  unpackRecordedLog,
  type RecordedLog,
} from '../../src/streams/testing/recorded-log.ts'

const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))

test('a recorded log comes back byte for byte', () => {
  const place = { topic: 'orders', partition: 3, timestamp: 1_700_000_000_123 }
  const log: RecordedLog = {
    partitions: { orders: 4 },
    schemas: [{ subject: 'orders-value', id: 7, schema: '"string"' }],
    records: [
      {
        ...place,
        key: everyByte,
        value: everyByte,
        headers: [
          ['id', everyByte],
          ['id', Buffer.alloc(0)],
        ],
      },
      { ...place, key: null, value: null, headers: [] },
      { ...place, key: Buffer.alloc(0), value: Buffer.from('grün\n'), headers: [] },
    ],
  }
  expect(unpackRecordedLog(packRecordedLog(log))).toEqual(log)
})
