import { expect, test } from 'vitest'
import { growthOf } from './growth.ts'
import type { Trend } from './trend.ts'

const from = (firstQuarterMedian: number, lastQuarterMedian: number): Trend => ({
  samples: 240,
  perHour: 2 * (lastQuarterMedian - firstQuarterMedian),
  firstQuarterMedian,
  lastQuarterMedian,
  largest: lastQuarterMedian,
})

test('memory and sockets that grow are named', () => {
  const trends = {
    'serve: sockets': from(31, 163),
    'worker-a: RSS MB': from(200, 290),
    'relay: RSS MB': from(132, 133),
  }
  expect(growthOf(trends)).toEqual([
    'serve: sockets grew from 31.0 to 163.0',
    'worker-a: RSS MB grew from 200.0 to 290.0',
  ])
})

test('stores that hold the orders of the run, and logs, may grow', () => {
  const trends = {
    'worker-a: heap after collection MB': from(40.4, 45.6),
    'kafka: x records written': from(1, 1_000),
  }
  expect(growthOf(trends)).toEqual([])
})
