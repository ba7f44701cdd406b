import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { memorySchemaRegistry } from '../../src/codec/memory-registry.ts'
import type { ConsumedRecord, Header } from '../../src/kafka/types.ts'
import { retryFault, settledFault } from '../../src/streams/dead-letters/faults.ts'
import { matches } from '../../src/streams/dead-letters/filter.ts'
import { letterIdText, parseLetterId } from '../../src/streams/dead-letters/letter-id.ts'
import type { ParkedLetter } from '../../src/streams/dead-letters/letters.ts'
import { retriedRecord } from '../../src/streams/dead-letters/retried-record.ts'
import { shownBytes } from '../../src/streams/dead-letters/shown-bytes.ts'
import { readStatus, statusRecord } from '../../src/streams/dead-letters/status.ts'
import { summarise } from '../../src/streams/dead-letters/summary.ts'
import { deadLetterOf } from '../../src/streams/engine/dead-letter.ts'
import { readDeadLetter } from '../../src/streams/engine/read-dead-letter.ts'

const id = { topic: 'shop-dlq', partition: 1, offset: 7 }
const record: ConsumedRecord = {
  topic: 'sales',
  partition: 1,
  offset: 41,
  timestamp: 5_000,
  key: Buffer.from('tea'),
  value: Buffer.from('rubbish'),
  headers: [['id', Buffer.from('x-1')]],
}

const parked = (
  change: Partial<ConsumedRecord> = {},
  { step = 'check', maxMessageBytes = 1_000_000, nowMs = 60_000 } = {},
): ParkedLetter => {
  const failed = { record: { ...record, ...change }, error: new Error('no'), task: '0_1', step }
  const letter = deadLetterOf(failed, { topic: id.topic, maxMessageBytes, nowMs })
  return { id, letter: readDeadLetter({ ...letter, offset: id.offset }), status: undefined }
}

const source = { partitions: 2, maxMessageBytes: 1_000_000 }
const textOf = (headers: readonly Header[]): string[][] =>
  headers.map(([name, value]) => [name, value.toString()])

it('a dead letter has its record’s headers, those of KIP-1034 by their names there, then ours', () => {
  const failed = { record, error: new TypeError('no'), task: '0_1', step: 'check' }
  const { headers } = deadLetterOf(failed, { topic: id.topic, maxMessageBytes: 1_000_000, nowMs: 60_000 })
  expect(textOf(headers)).toEqual([
    ['id', 'x-1'],
    ['__streams.errors.exception', 'TypeError: no'],
    ['__streams.errors.message', 'no'],
    ['__streams.errors.stacktrace', expect.stringContaining('TypeError: no\n') as string],
    ['__streams.errors.topic', 'sales'],
    ['__streams.errors.partition', '1'],
    ['__streams.errors.offset', '41'],
    ['sluice.errors.code', 'SLUICE_STREAMS_STEP_THREW'],
    ['sluice.errors.task', '0_1'],
    ['sluice.errors.step', 'check'],
    ['sluice.errors.parked-at', '1970-01-01T00:01:00.000Z'],
  ])
})

describe('an id', () => {
  it('is read as it is written', () => {
    expect(parseLetterId(letterIdText(id))).toEqual(id)
  })
  it.each(['', 'shop-dlq', 'shop-dlq/1', 'shop-dlq/1/x', 'a/b/1/2', 'shop-dlq/-1/2'])(
    'is not taken from %j',
    text => {
      expect(() => parseLetterId(text)).toThrow(/is no id of a dead letter/)
    },
  )
})

describe('a record that is sent again', () => {
  it('is the one that failed, in its place, with where it comes from', () => {
    const again = retriedRecord(parked())
    const { offset: _, headers, ...same } = record
    expect(again).toMatchObject(same)
    expect(textOf(again.headers)).toEqual([
      ...textOf(headers),
      ['sluice.retry-of', 'shop-dlq/1/7'],
      ['sluice.retries', '1'],
    ])
  })

  it('counts on, and names the last letter alone', () => {
    const { headers } = retriedRecord(parked())
    const twice = retriedRecord({ ...parked({ headers }), id: { ...id, offset: 9 } })
    expect(textOf(twice.headers)).toEqual([
      ['id', 'x-1'],
      ['sluice.retry-of', 'shop-dlq/1/9'],
      ['sluice.retries', '2'],
    ])
  })

  it.each([
    [
      parked({ value: randomBytes(20_000) }, { maxMessageBytes: 15_000 }),
      source,
      /its value was too large for shop-dlq and not kept/,
    ],
    [parked(), undefined, /its source sales does not exist any more/],
    [parked(), { ...source, partitions: 1 }, /has only 1 partitions now/],
    [parked(), { ...source, maxMessageBytes: 100 }, /larger than the 100 bytes/],
    [{ ...parked(), letter: readDeadLetter(record) }, source, /does not say where it came from/],
  ])('is refused, with the reason (%#)', (letter, of, reason) => {
    expect(retryFault(letter, of)).toMatchObject({
      code: 'SLUICE_DLQ_NOT_RETRIABLE',
      message: expect.stringMatching(reason) as string,
    })
  })

  it('is not refused where nothing is wrong', () => {
    expect(retryFault(parked(), source)).toBeUndefined()
    expect(settledFault(parked())).toBeUndefined()
  })
})

describe('a mark', () => {
  const status = { state: 'dropped', at: '2026-03-01T09:00:00.000Z', by: 'ann', reason: 'a test' } as const

  it('is read as it was written', () => {
    const written = statusRecord('shop-dlq-status', letterIdText(id), status)
    expect(readStatus({ ...written, offset: 0 })).toEqual(['shop-dlq/1/7', status])
    expect(settledFault({ ...parked(), status })?.message).toBe(
      'shop-dlq/1/7 was dropped at 2026-03-01T09:00:00.000Z by ann (a test)',
    )
  })

  it.each([null, Buffer.from('x'), Buffer.from('{"state":"gone"}')])('is not guessed from %s', value => {
    expect(() => readStatus({ ...record, value })).toThrow(/is no mark of a dead letter/)
  })
})

async function* given(letters: readonly ParkedLetter[]): AsyncGenerator<ParkedLetter> {
  yield* letters
  await Promise.resolve()
}

describe('a list', () => {
  const retried = { state: 'retried', at: '', by: '' } as const
  const letters = [
    parked({}, { nowMs: 3_000 }),
    parked({}, { nowMs: 1_000 }),
    parked({}, { nowMs: 2_000, step: 'sum' }),
    { ...parked(), status: retried },
  ]

  it('counts what is open by source, step and code, and shows the newest', async () => {
    expect(await summarise(given(letters), {}, 2)).toMatchObject({
      groups: [
        {
          topic: 'sales',
          step: 'check',
          count: 2,
          first: '1970-01-01T00:00:01.000Z',
          last: '1970-01-01T00:00:03.000Z',
        },
        { step: 'sum', count: 1 },
      ],
      letters: [{ parkedAt: '1970-01-01T00:00:03.000Z' }, { step: 'sum' }],
      matching: 3,
      open: 3,
      retried: 1,
      dropped: 0,
    })
  })

  it.each([
    [{ settled: true }, 4],
    [{ topic: 'sales', step: 'check' }, 2],
    [{ topic: 'other' }, 0],
    [{ code: 'SLUICE_STREAMS_STEP_THREW' }, 3],
    [{ sinceMs: 2_000 }, 2],
  ])('is narrowed by %j', (filter, count) => {
    expect(letters.filter(letter => matches(letter, filter))).toHaveLength(count)
  })
})

describe('bytes', () => {
  const schema = JSON.stringify({ type: 'record', name: 'R', fields: [{ name: 'n', type: 'long' }] })

  it('are decoded with the schema they name, and dumped where that fails', async () => {
    const registry = memorySchemaRegistry()
    const schemaId = await registry.register('r', schema)
    const value = Buffer.from([0, 0, 0, 0, schemaId, 14])
    expect(await shownBytes(value, registry)).toEqual({ bytes: 6, schemaId, value: { n: 7 } })
    expect(await shownBytes(value.subarray(0, 5), registry)).toMatchObject({
      schemaId,
      why: expect.stringContaining('truncated') as string,
      hex: value.subarray(0, 5).toString('hex'),
    })
    expect(await shownBytes(Buffer.from('tea'), registry)).toEqual({ bytes: 3, text: 'tea' })
    expect(await shownBytes(Buffer.alloc(1_000, 255), registry)).toEqual({
      bytes: 1_000,
      hex: `${'f'.repeat(512)}…`,
    })
    expect(await shownBytes(null, registry)).toBeNull()
  })
})
