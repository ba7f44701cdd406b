import { describe, expect, test } from 'vitest'
import type { ConsumedRecord, TransactionMark } from '../../../src/kafka/types.ts'
import { topologies } from '../../../topology/index.ts'
import { OpenTransactions } from '../../../src/streams/inspect/log/open-transactions.ts'
import { topicKinds } from '../../../src/streams/inspect/log/topic-kinds.ts'
import { isInRange, LatestEntries } from '../../../src/streams/inspect/state/latest-entries.ts'
import { parseTailStart } from '../../../src/streams/inspect/tail/start.ts'

const entry = (key: string, value: string | null, more: Partial<ConsumedRecord> = {}): ConsumedRecord => ({
  topic: 't',
  partition: 0,
  offset: 0,
  timestamp: 1_000,
  key: Buffer.from(key),
  value: value === null ? null : Buffer.from(value),
  headers: [],
  ...more,
})

describe('the latest entries of a changelog', () => {
  test('are the last write of each key, without what was deleted, in the order of their bytes', () => {
    const latest = new LatestEntries(() => true)
    for (const record of [
      entry('b', '1'),
      entry('ä', '1'),
      entry('a', '1'),
      entry('b', '2', { offset: 3, timestamp: 900, headers: [['stream-time', Buffer.from('5000')]] }),
      entry('a', null, { offset: 4 }),
      entry('b', 'other task', { partition: 1 }),
    ])
      latest.add(record)
    expect(
      latest
        .sorted()
        .map(({ key, value, partition }) => [key.toString(), value?.toString(), partition].join(' ')),
    ).toEqual(['b 2 0', 'b other task 1', 'ä 1 0'])
    expect(latest.deletion?.offset).toBe(4)
    expect([latest.streamTime(0), latest.streamTime(1), latest.streamTime(2)]).toEqual([
      5_000,
      1_000,
      undefined,
    ])
  })

  test('do not hold the bytes that they were fetched with', () => {
    const fetched = Buffer.alloc(1_000_000, 'x')
    const latest = new LatestEntries(() => true)
    latest.add(entry('', '', { key: fetched.subarray(0, 3), value: fetched.subarray(3, 6) }))
    expect(latest.sorted()[0]?.value?.buffer.byteLength).toBeLessThan(100_000)
  })

  test('lie within what was asked for', () => {
    const [a, b, c] = ['85a', '85b', '86'].map(key => Buffer.from(key)) as [Buffer, Buffer, Buffer]
    expect([a, b, c].map(key => isInRange(key, { prefix: Buffer.from('85') }))).toEqual([true, true, false])
    expect([a, b, c].map(key => isInRange(key, { from: b, to: c }))).toEqual([false, true, false])
  })
})

test('a marker ends what its own producer wrote in its own partition', () => {
  const open = new OpenTransactions()
  const note = (offset: number, transaction?: TransactionMark, partition = 0) =>
    open.note(entry('k', 'v', { offset, partition, ...(transaction && { transaction }) }))
  note(0, { producerId: 1n })
  note(1, { producerId: 2n })
  note(1, { producerId: 1n }, 1)
  note(2, { producerId: 1n })
  note(3)
  expect(note(4, { producerId: 1n, marker: 'commit' })).toMatchObject({
    outcome: 'committed',
    offsets: [0, 2],
    at: 1_000,
  })
  expect(note(5, { producerId: 2n, marker: 'abort' })).toMatchObject({ outcome: 'aborted', offsets: [1] })
  expect(note(6, { producerId: 1n, marker: 'commit' })?.offsets).toEqual([])
})

test('what a topic is follows from the topologies', () => {
  const kinds = topicKinds(Object.values(topologies))
  expect(kinds.get('stock-update')).toEqual({
    kind: 'event',
    topologies: ['orders', 'materializer', 'settlement'],
  })
  expect(kinds.get('orders-line-decisions-repartition')?.kind).toBe('repartition')
  expect(kinds.get('orders-stock-ledger-changelog')?.kind).toBe('changelog')
  expect(kinds.get('settlement-dlq')?.kind).toBe('dlq')
  expect(kinds.get('elsewhere')).toBeUndefined()
})

test.each([
  ['now', { kind: 'now' }],
  ['start', { kind: 'start' }],
  ['-10', { kind: 'last', count: 10 }],
  ['90s', { kind: 'time', timestampMs: 910_000 }],
  ['2011-01-04T10:00:00Z', { kind: 'time', timestampMs: Date.UTC(2011, 0, 4, 10) }],
  ['-0', undefined],
  ['10', undefined],
  ['2011-13-04', undefined],
])('a tail may begin at %s', (text, start) => {
  expect(parseTailStart(text, 1_000_000)).toEqual(start)
})
