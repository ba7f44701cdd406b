import type { Random } from '../../core/random.ts'

/** A whole number from `low` to `high`, both included. */
export const integerBetween = (random: Random, low: number, high: number): number =>
  low + Math.floor(random() * (high - low + 1))

/**
 * Picks an index below `count` with Zipf's law: index 0 most often, index k about 1/(k+1) as often.
 *
 * @example const pick = zipf(200); pick(random) // 0, 3, 0, 17, 1, …
 */
export const zipf = (count: number, exponent = 1): ((random: Random) => number) => {
  const cumulative: number[] = []
  let total = 0
  for (let index = 0; index < count; index += 1) {
    total += 1 / (index + 1) ** exponent
    cumulative.push(total)
  }
  return random => {
    const target = random() * total
    let low = 0
    let high = count - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if ((cumulative[middle] ?? 0) > target) high = middle
      else low = middle + 1
    }
    return low
  }
}
