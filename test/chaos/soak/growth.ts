import type { Trend } from './trend.ts'

/** How far the last quarter of a run may be above its first: a quarter of it, and what comes and goes with single faults. */
const allowedShare = 0.25
const allowedMore: Readonly<Record<string, number>> = {
  'RSS MB': 16,
  'heap after collection MB': 6,
  sockets: 5,
}

/**
 * What a process uses ever more of, in words; series of other kinds may grow with the orders. Pure.
 *
 * @example growthOf({ 'serve: sockets': trendOf(samples, 0.2) }) // ['serve: sockets grew from 31.0 to 163.0']
 */
export const growthOf = (trends: Readonly<Record<string, Trend>>): readonly string[] =>
  Object.entries(trends).flatMap(([name, { firstQuarterMedian: first, lastQuarterMedian: last }]) => {
    const more = allowedMore[name.slice(name.indexOf(': ') + 2)]
    if (more === undefined || last <= first * (1 + allowedShare) + more) return []
    return [`${name} grew from ${first.toFixed(1)} to ${last.toFixed(1)}`]
  })
