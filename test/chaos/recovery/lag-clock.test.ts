import { expect, test } from 'vitest'
import { excess, LagClock } from './lag-clock.ts'

const look = (clock: LagClock, atMs: number, end: number, done: number): number | undefined =>
  clock.look(atMs, new Map([['a', { end, done }]])).get('a')

test('who is as far behind as ever, but with new records only, is not late', () => {
  const clock = new LagClock()
  expect(look(clock, 0, 10, 5)).toBe(0)
  expect(look(clock, 100, 15, 10)).toBe(0)
  expect(look(clock, 200, 20, 15)).toBe(0)
})

test('who does nothing is later each time, and in time again when the old ones are done', () => {
  const clock = new LagClock()
  expect(look(clock, 0, 10, 10)).toBe(0)
  expect(look(clock, 100, 12, 10)).toBe(0)
  expect(look(clock, 300, 12, 10)).toBe(200)
  expect(look(clock, 500, 20, 11)).toBe(400)
  expect(look(clock, 900, 20, 12)).toBe(400)
  expect(look(clock, 1_000, 20, 20)).toBe(0)
})

test('what is usual is no excess', () => {
  const usual = new Map([['a', 300]])
  expect(excess(new Map(Object.entries({ a: 500, b: 20 })), usual)).toEqual(
    new Map(Object.entries({ a: 200, b: 20 })),
  )
  expect(excess(new Map([['a', 100]]), usual)).toEqual(new Map([['a', 0]]))
})
