import { expect, test } from 'vitest'
import { trendOf } from './trend.ts'

const hour = 3_600_000
const series = (values: readonly number[]) => values.map((value, index) => ({ atMs: index * hour, value }))

test('a straight line has its slope, and medians of its ends', () => {
  expect(trendOf(series([10, 12, 14, 16, 18, 20, 22, 24]), 0)).toEqual({
    samples: 8,
    perHour: expect.closeTo(2),
    firstQuarterMedian: 11,
    lastQuarterMedian: 23,
    largest: 24,
  })
})

test('the warm-up does not count', () => {
  const trend = trendOf(series([900, 500, 100, 100, 100, 100]), 0.4)
  expect(trend).toMatchObject({ samples: 4, perHour: 0, firstQuarterMedian: 100, largest: 100 })
})

test('noise without a trend has none', () => {
  expect(trendOf(series([5, 7, 5, 7, 7, 5, 7, 5]), 0).perHour).toBeCloseTo(0)
})

test('nothing has no trend', () => {
  expect(trendOf([], 0.2)).toMatchObject({ samples: 0, perHour: 0, largest: 0 })
})
