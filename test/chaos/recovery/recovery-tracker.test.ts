import { expect, test } from 'vitest'
import { RecoveryTracker } from './recovery-tracker.ts'

const looks = (of: readonly (readonly [atMs: number, values?: Readonly<Record<string, number>>])[]) => {
  const tracker = new RecoveryTracker(1_000)
  for (const [atMs, values] of of) tracker.look(atMs, values && new Map(Object.entries(values)))
  return tracker
}

test('a gauge that was behind has recovered at its first zero after that', () => {
  const tracker = looks([
    [0, { a: 0, b: 0 }],
    [200, { a: 3, b: 0 }],
    [4_000, { a: 9, b: 0 }],
    [7_000, { a: 0, b: 0 }],
    [7_500, { a: 2, b: 0 }],
  ])
  expect(tracker.recoveredMs).toBe(7_000)
})

test('the slowest gauge counts, and one that never was behind does not', () => {
  const early = [
    [100, { a: 1, b: 1, c: 0 }],
    [1_200, { a: 0, b: 5, c: 0 }],
  ] as const
  expect(looks(early).missing).toEqual(['b'])
  expect(looks(early).recoveredMs).toBeUndefined()
  expect(looks([...early, [3_000, { a: 0, b: 0, c: 4 }]]).recoveredMs).toBe(3_000)
})

test('nothing has recovered while a gauge may still be found behind', () => {
  expect(looks([[300, { a: 0 }]]).recoveredMs).toBeUndefined()
})

test('what was seen before a time without sight proves nothing', () => {
  const blind = [[100, { a: 1, b: 0 }], [200, { a: 0, b: 0 }], [500]] as const
  expect(looks([...blind, [5_000], [5_100, { a: 0, b: 2 }]]).recoveredMs).toBeUndefined()
  expect(looks([...blind, [5_000], [5_100, { a: 0, b: 2 }], [6_500, { a: 0, b: 0 }]]).recoveredMs).toBe(6_500)
})
