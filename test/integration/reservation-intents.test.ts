import { afterEach, beforeEach, expect, test } from 'vitest'
import { newId } from '../../src/core/ids.ts'
import { createReservationIntents } from '../../src/orders/reservation/intents.ts'
import type { ReservationIntent } from '../../src/orders/reservation/types.ts'
import { createTestKeyspace } from './support/keyspace.ts'
import type { TestKeyspace } from './support/keyspace.ts'

let keyspace: TestKeyspace

beforeEach(async () => {
  keyspace = await createTestKeyspace('intents')
})
afterEach(() => keyspace.drop())

const hourMs = 3_600_000
const noon = Date.UTC(2011, 0, 4, 12)

const pending = async (olderThanMs: number, slackMs?: number): Promise<ReservationIntent[]> => {
  const intents = createReservationIntents({
    cassandra: keyspace.cassandra,
    ...(slackMs === undefined ? {} : { slackMs }),
  })
  return Array.fromAsync(intents.pending(olderThanMs))
}

test('what was recorded before a time comes, oldest first, until it is removed', async () => {
  const intents = createReservationIntents({ cassandra: keyspace.cassandra })
  const [early, late, young] = [newId(), newId(), newId()]
  await intents.record(late, ['B', 'C'], noon + 2_500)
  await intents.record(early, ['A'], noon)
  await intents.record(young, ['A'], noon + hourMs)
  const expected = [
    { entryId: early, skus: ['A'], at: noon },
    { entryId: late, skus: ['B', 'C'], at: noon + 2_500 },
  ]
  expect(await pending(noon + 60_000)).toEqual(expected)
  expect(await pending(noon + 60_000)).toEqual(expected)
  await intents.remove(early, noon)
  expect(await pending(noon + 60_000)).toEqual(expected.slice(1))
  await intents.remove(late, noon + 2_500)
  expect(await pending(noon + hourMs)).toEqual([])
  expect((await pending(noon + hourMs + 1)).map(intent => intent.entryId)).toEqual([young])
})

test('a walk begins where the last one found nothing left, less the time in which an intent may be late', async () => {
  const intents = createReservationIntents({ cassandra: keyspace.cassandra })
  expect(await pending(noon + hourMs)).toEqual([])
  const [inTime, tooLate] = [newId(), newId()]
  await intents.record(inTime, ['A'], noon + hourMs - 100_000)
  await intents.record(tooLate, ['A'], noon)
  expect((await pending(noon + hourMs + 1_000)).map(intent => intent.entryId)).toEqual([inTime])
})

test('an intent that stays does not hide what came after it', async () => {
  const intents = createReservationIntents({ cassandra: keyspace.cassandra })
  const [stuck, next] = [newId(), newId()]
  await intents.record(stuck, ['A'], noon)
  expect(await pending(noon + 60_000, 0)).toHaveLength(1)
  await intents.record(next, ['A'], noon + 120_000)
  expect((await pending(noon + 180_000, 0)).map(intent => intent.entryId)).toEqual([stuck, next])
})
