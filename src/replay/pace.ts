import type { Standing } from './standing.ts'

/** Where a replay stands, and when it will be there. */
export interface Pace extends Standing {
  /** 0 to 100. */
  readonly percent: number
  /** Over the last seconds. */
  readonly recordsPerSecond: number
  /** Undefined as long as nothing moves. */
  readonly remainingMs: number | undefined
}

const windowMs = 5_000

/**
 * Makes a pace of standings, given one after the other with the time at which each was read.
 *
 * @example const paceOf = createPace(); paceOf(standing, clock.now()).remainingMs
 */
export const createPace = (): ((standing: Standing, nowMs: number) => Pace) => {
  let seen: readonly { readonly atMs: number; readonly done: number }[] = []
  return (standing, nowMs) => {
    const { done, total } = standing
    seen = [...seen.filter(({ atMs }) => nowMs - atMs <= windowMs), { atMs: nowMs, done }]
    const first = seen[0] ?? { atMs: nowMs, done }
    const elapsedMs = nowMs - first.atMs
    const recordsPerSecond = elapsedMs === 0 ? 0 : ((done - first.done) * 1_000) / elapsedMs
    const remaining = total - done
    return {
      ...standing,
      percent: total === 0 ? 100 : (done * 100) / total,
      recordsPerSecond,
      remainingMs:
        remaining === 0 ? 0 : recordsPerSecond > 0 ? (remaining * 1_000) / recordsPerSecond : undefined,
    }
  }
}
