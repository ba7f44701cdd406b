import { expect, it } from 'vitest'
import { withoutRetriedCopies } from '../../src/check/log/retried-copies.ts'

const record = (offset: number, eventId: string, retried?: true) => ({
  partition: 0,
  offset,
  timestampMs: 1,
  key: 'order',
  eventId,
  ...(retried === true && { retried }),
})

it('leaves out a retry behind its own event, and nothing else', () => {
  const parked = record(1, 'a')
  const records = [parked, record(2, 'b'), record(3, 'a', true), record(4, 'a', true), record(5, 'b')]
  expect(withoutRetriedCopies(records)).toEqual([parked, records[1], records[4]])
})

it('counts a retry whose event is not in the log before it, wherever else it may be', () => {
  const elsewhere = { ...record(9, 'c'), partition: 1 }
  const records = [record(1, 'a', true), record(2, 'a', true), record(3, 'c', true), elsewhere]
  expect(withoutRetriedCopies(records)).toEqual([records[0], records[2], elsewhere])
})
