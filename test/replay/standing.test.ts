import { expect, test } from 'vitest'
import { createPace } from '../../src/replay/pace.ts'
import { standingOf } from '../../src/replay/standing.ts'

const at = (topic: string, offset: number) => ({ topic, partition: 0, offset })

test('a replay has ended when live inputs are read up to their ends, and its own topics are read up', () => {
  const parts = { starts: [at('in', 10)], ends: [at('in', 110)] }
  const standing = (committed: number, own: number, ownEnd: number) =>
    standingOf({ ...parts, committed: [at('in', committed), at('own', own)], ownEnds: [at('own', ownEnd)] })
  expect(standing(-1, -1, 0)).toEqual({ done: 0, total: 100, behind: 0, isEnded: false })
  expect(standing(60, 5, 8)).toEqual({ done: 50, total: 100, behind: 3, isEnded: false })
  expect(standing(110, 7, 8)).toMatchObject({ done: 100, behind: 1, isEnded: false })
  expect(standing(110, 8, 8)).toMatchObject({ isEnded: true })
})

test('nothing to read is read at once, when that is committed', () => {
  const none = { starts: [at('in', 0)], ends: [at('in', 0)], ownEnds: [] }
  expect(standingOf({ ...none, committed: [at('in', -1)] }).isEnded).toBe(false)
  expect(standingOf({ ...none, committed: [at('in', 0)] })).toMatchObject({ total: 0, isEnded: true })
})

test('the pace is that of the last seconds, and tells what remains', () => {
  const paceOf = createPace()
  const standing = (done: number) => ({ done, total: 10_000, behind: 0, isEnded: done === 10_000 })
  expect(paceOf(standing(0), 0)).toMatchObject({ percent: 0, recordsPerSecond: 0, remainingMs: undefined })
  expect(paceOf(standing(1_000), 1_000)).toMatchObject({ percent: 10, recordsPerSecond: 1_000 })
  expect(paceOf(standing(1_000), 2_000)).toMatchObject({ recordsPerSecond: 500, remainingMs: 18_000 })
  expect(paceOf(standing(1_000), 9_000)).toMatchObject({ recordsPerSecond: 0, remainingMs: undefined })
  expect(paceOf(standing(10_000), 10_000)).toMatchObject({ percent: 100, remainingMs: 0 })
})
