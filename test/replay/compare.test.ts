import { describe, expect, test } from 'vitest'
import type { ConsumedRecord } from '../../src/kafka/types.ts'
import { compareEntries, foldChangelog } from '../../src/replay/compare-stores.ts'
import { KeyedComparison } from '../../src/replay/compare-topics.ts'
import { coverageOf } from '../../src/replay/coverage.ts'
import { comparisonOf, PartFindings } from '../../src/replay/difference.ts'

const whole = { isLiveAhead: false, isLiveBehind: false, isPartial: false }

const record = (offset: number, key: string, value: string, id = `${offset}`): ConsumedRecord => ({
  topic: 't',
  partition: 0,
  offset,
  timestamp: 5,
  key: Buffer.from(key),
  value: Buffer.from(value),
  headers: [['id', Buffer.from(id)]],
})
type Records = readonly ConsumedRecord[]

const compared = (live: Records, replayed: Records, coverage = whole) => {
  const findings = new PartFindings('t')
  const comparison = new KeyedComparison(findings, coverage)
  comparison.feed('live', live)
  comparison.feed('replayed', replayed)
  comparison.end()
  return findings.result()
}

describe('logs', () => {
  const log = [record(0, 'a', '1', 'i'), record(1, 'b', '2', 'j'), record(3, 'a', '3', 'k')]

  test('are equal when each key has the same records in the same order, whatever their offsets', () => {
    const other = [record(0, 'b', '2', 'j'), record(4, 'a', '1', 'i'), record(9, 'a', '3', 'k')]
    expect(compared(log, other)).toMatchObject({ equal: 3, differenceCount: 0, undecided: 0 })
  })

  test.each([
    ['value', { value: Buffer.from('x') }, /offset 1 live and 1 replayed: value$/],
    ['timestamp', { timestamp: 6 }, /timestamp \(5; 6\)$/],
    ['header', { headers: [['id', Buffer.from('z')]] as const }, /header id$/],
    ['headers', { headers: [] }, /headers \(id; \)$/],
  ])('with another %s differ, and it is named', (_, change, message) => {
    const altered = log.map(one => (one.offset === 1 ? { ...one, ...change } : one))
    const { differences, equal } = compared(log, altered)
    expect(equal).toBe(2)
    expect(differences).toEqual([{ where: 't', key: 'b', message: expect.stringMatching(message) }])
  })

  test('that lack, double or swap a record differ', () => {
    expect(compared(log, log.slice(0, 2)).differences).toMatchObject([
      { key: 'a', message: 'partition 0, offset 3 is not in the replay' },
    ])
    expect(compared(log, [...log, record(9, 'a', '3', 'k')]).differences).toMatchObject([
      { key: 'a', message: 'partition 0, offset 9 is only in the replay' },
    ])
    expect(
      compared(log, [record(0, 'a', '3', 'k'), record(1, 'b', '2', 'j'), record(2, 'a', '1', 'i')]),
    ).toMatchObject({
      equal: 1,
      differenceCount: 2,
    })
  })

  test('of which one goes on are undecided there, and only there', () => {
    const ahead = { ...whole, isLiveAhead: true }
    expect(compared(log, log.slice(0, 2), ahead)).toMatchObject({
      equal: 2,
      differenceCount: 0,
      undecided: 1,
    })
    expect(compared(log.slice(0, 2), log, ahead).differenceCount).toBe(1)
    expect(compared(log.slice(0, 2), log, { ...whole, isLiveBehind: true }).undecided).toBe(1)
  })

  test('of a partial replay are paired by id, and lack nothing', () => {
    const partial = { ...whole, isPartial: true }
    expect(compared(log, [record(0, 'a', '3', 'k')], partial)).toMatchObject({
      equal: 1,
      differenceCount: 0,
      undecided: 2,
    })
  })
})

test('stores are equal when the last word on each key is, deletions included', () => {
  const tombstone = { ...record(5, 'a', ''), value: null }
  const fold = (records: Parameters<typeof foldChangelog>[1]) => foldChangelog(new Map(), records)
  const live = fold([record(0, 'a', '1'), record(1, 'b', '1', 'i'), tombstone])
  const findings = new PartFindings('s')
  compareEntries(findings, live, fold([record(7, 'b', '1', 'i')]), whole)
  expect(findings.result()).toMatchObject({ equal: 1, differenceCount: 0 })
  compareEntries(findings, live, fold([record(7, 'b', '2', 'i'), record(8, 'c', '1')]), whole)
  expect(findings.result().differences.map(({ key, message }) => `${key} ${message}`)).toEqual([
    'b differs (changelog offset 1 live, 7 replayed)',
    'c is only in the replay (changelog offset 8)',
  ])
  compareEntries(findings, live, fold([]), { ...whole, isLiveAhead: true })
  expect(findings.result().undecided).toBe(1)
})

test('what live did while it was looked at counts as ahead', () => {
  const at = (offset: number) => [{ topic: 'in', partition: 0, offset }]
  expect(coverageOf(at(5), at(5), at(5), false)).toEqual(whole)
  expect(coverageOf(at(5), at(5), at(6), false)).toMatchObject({ isLiveAhead: true, isLiveBehind: false })
  expect(coverageOf(at(5), at(4), at(6), false)).toMatchObject({ isLiveAhead: true, isLiveBehind: true })
})

test('nothing compared is not equal, and only the first differences are kept', () => {
  const findings = new PartFindings('t')
  expect(comparisonOf([findings.result()], []).isEqual).toBe(false)
  for (let index = 0; index < 50; index++) findings.differs(`${index}`, 'differs')
  expect(findings.result()).toMatchObject({ differenceCount: 50 })
  expect(findings.result().differences).toHaveLength(20)
})
