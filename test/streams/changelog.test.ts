import { expect, it } from 'vitest'
import { utf8 } from '../../src/codec/serde.ts'
import { changelogRecord, entryOfChangelog } from '../../src/streams/engine/changelog.ts'
import type { Serde } from '../../src/codec/serde.ts'

const serde = { key: utf8 as Serde<unknown>, value: utf8 as Serde<unknown> }
const place = { topic: 'app-store-changelog', partition: 3 }

it.each([
  ['a write', { key: 'a', value: 'x', timestamp: 10, streamTime: 10 }],
  ['a write that came late', { key: 'a', value: 'x', timestamp: 10, streamTime: 9_000_000_000_000 }],
  ['a deletion', { key: 'a', value: undefined, timestamp: 10, streamTime: 10 }],
  ['a deletion that came late', { key: 'a', value: undefined, timestamp: 10, streamTime: 11 }],
])('%s comes back from the changelog as it was, stream time included', (_, entry) => {
  const record = changelogRecord(place, entry, serde)
  expect(record).toMatchObject(place)
  expect(entryOfChangelog({ ...record, offset: 0 }, serde)).toEqual(entry)
})

it('costs a header only where the record came late', () => {
  const entry = { key: 'a', value: 'x', timestamp: 10 }
  expect(changelogRecord(place, { ...entry, streamTime: 10 }, serde).headers).toEqual([])
  expect(changelogRecord(place, { ...entry, streamTime: 11 }, serde).headers).toHaveLength(1)
})
