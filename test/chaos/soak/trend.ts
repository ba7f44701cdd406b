/** One value at one time. */
export interface Sample {
  readonly atMs: number
  readonly value: number
}

/** Where a series goes. */
export interface Trend {
  readonly samples: number
  /** Of the straight line through all samples after the warm-up. */
  readonly perHour: number
  readonly firstQuarterMedian: number
  readonly lastQuarterMedian: number
  readonly largest: number
}

const msPerHour = 3_600_000

const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((one, other) => one - other)
  const middle = sorted.length / 2
  return ((sorted[Math.ceil(middle) - 1] ?? 0) + (sorted[Math.floor(middle)] ?? 0)) / 2
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length

/** Least squares; 0 where there is no line to draw. */
const slopeOf = (samples: readonly Sample[]): number => {
  if (samples.length < 2) return 0
  const meanAt = mean(samples.map(({ atMs }) => atMs))
  const meanValue = mean(samples.map(({ value }) => value))
  let above = 0
  let below = 0
  for (const { atMs, value } of samples) {
    above += (atMs - meanAt) * (value - meanValue)
    below += (atMs - meanAt) ** 2
  }
  return below === 0 ? 0 : above / below
}

/**
 * The trend of a series in the order of time, without its warm-up (the first share of its span). Pure.
 *
 * @example trendOf([{ atMs: 0, value: 10 }, { atMs: 3_600_000, value: 16 }], 0).perHour // 6
 */
export const trendOf = (samples: readonly Sample[], warmUpShare: number): Trend => {
  const [first, last] = [samples.at(0)?.atMs ?? 0, samples.at(-1)?.atMs ?? 0]
  const warm = samples.filter(({ atMs }) => atMs >= first + (last - first) * warmUpShare)
  const quarter = Math.max(1, Math.floor(warm.length / 4))
  const valuesOf = (part: readonly Sample[]): number[] => part.map(({ value }) => value)
  return {
    samples: warm.length,
    perHour: slopeOf(warm) * msPerHour,
    firstQuarterMedian: median(valuesOf(warm.slice(0, quarter))),
    lastQuarterMedian: median(valuesOf(warm.slice(-quarter))),
    largest: Math.max(0, ...valuesOf(warm)),
  }
}
