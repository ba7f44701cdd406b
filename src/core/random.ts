/** Numbers from 0 up to but not including 1, the same ones for the same seed. */
export type Random = () => number

/**
 * A small generator (mulberry32) with 32 bits of state: enough to vary a test or a demonstration, and repeatable.
 *
 * @example const random = createRandom(1); random() // 0.627…
 */
export const createRandom = (seed: number): Random => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
