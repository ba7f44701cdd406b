import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { ElementQueue } from '../../src/cdc/element-queue.ts'
import { outboxEnvelope, outboxRecord } from '../../src/cdc/envelope.ts'
import { formatLsn, parseLsn } from '../../src/cdc/lsn.ts'
import { relaySettings } from '../../src/cdc/options.ts'
import { decodePosition, encodePosition } from '../../src/cdc/position.ts'

const lsn = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })

test('an LSN and a position come back as they were', () => {
  fc.assert(
    fc.property(lsn, value => {
      expect(parseLsn(formatLsn(value))).toBe(value)
    }),
  )
  fc.assert(
    fc.property(
      lsn,
      lsn,
      fc.option(lsn),
      fc.integer({ min: -1 }),
      (commitLsn, confirmedLsn, lastCommitLsn, index) => {
        const position = {
          phase: 'stream',
          owner: 'o',
          systemId: '7',
          timeline: 3,
          slot: 's',
          commitLsn,
          confirmedLsn,
          lastCommitLsn,
          index,
        } as const
        expect(decodePosition(encodePosition(position))).toEqual(position)
      },
    ),
  )
  expect(() => decodePosition(Buffer.from('{}'))).toThrow(
    expect.objectContaining({ code: 'SLUICE_RELAY_POSITION_UNREADABLE' }),
  )
})

test.each(['a"b', 'a; DROP', '', 'A', 'x'.repeat(64)])('the name %j is refused for a slot', slot => {
  expect(() => relaySettings({ postgresUrl: '', slot })).toThrow(
    expect.objectContaining({ code: 'SLUICE_RELAY_OPTION_INVALID' }),
  )
})

test('the topic follows the prefix and the table', () => {
  expect(relaySettings({ postgresUrl: '' })).toMatchObject({
    topic: 'shop.public.outbox_event',
    positionTopic: 'sluice-relay-position',
    slot: 'sluice_outbox',
  })
})

const row = { id: 'i', aggregatetype: 'order', aggregateid: '21', type: 'OrderCreated', payload: null }
const source = {
  prefix: 'shop',
  database: 'd',
  schema: 'public',
  table: 'outbox_event',
  snapshot: 'false',
  timeUs: 1_764_000_000_123_456n,
  transactionId: 5,
  lsn: 24_023_128n,
  lastCommitLsn: 24_023_000n,
} as const

test('the envelope is what Debezium writes', () => {
  expect(outboxEnvelope(row, source, 1_764_000_000_200)).toMatchObject({
    before: null,
    after: row,
    op: 'c',
    source: {
      ts_ms: 1_764_000_000_123,
      ts_ns: 1_764_000_000_123_456_000n,
      sequence: '["24023000","24023128"]',
      lsn: 24_023_128,
    },
  })
  const snapshot = outboxEnvelope(row, { ...source, snapshot: 'last', lastCommitLsn: null }, 0)
  expect(snapshot).toMatchObject({ op: 'r', source: { snapshot: 'last', sequence: '[null,"24023128"]' } })
})

test.each([
  ['{"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}', true],
  ['{"traceparent": "nonsense"}', false],
  ['{"deep": {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}}', false],
  ['["\\"traceparent\\""]', false],
  [null, false],
])('payload %s: traceparent header %s', (payload, expected) => {
  const record = outboxRecord({ ...row, payload }, source, {
    topic: 't',
    partitions: 4,
    value: Buffer.alloc(0),
  })
  expect(record.headers.some(([name]) => name === 'traceparent')).toBe(expected)
  expect(record).toMatchObject({ timestamp: 1_764_000_000_123, key: Buffer.from('21') })
})

test('a full queue holds up its writer, and a failed one lets all go', async () => {
  const queue = new ElementQueue(128)
  queue.push({ kind: 'idle', lsn: 1n })
  queue.push({ kind: 'idle', lsn: 2n })
  expect(queue.isFull).toBe(true)
  const room = queue.room()
  expect(await queue.take(1, 1_000)).toEqual([{ kind: 'idle', lsn: 1n }])
  await room
  expect(await queue.take(10, 1_000)).toEqual([{ kind: 'idle', lsn: 2n }])
  const waiting = queue.take(1, 1)
  queue.fail(new Error('gone'))
  await expect(waiting).rejects.toThrow('gone')
  queue.push({ kind: 'idle', lsn: 3n })
  await expect(queue.take(1, 1)).rejects.toThrow('gone')
})
