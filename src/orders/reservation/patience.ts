import type { Clock } from '../../core/clock.ts'
import { isUnavailable, stockUnavailable } from './errors.ts'

/** How long one request may go on asking Cassandra, and how it paces itself. */
export interface Patience {
  /** False once the time is over. */
  readonly left: () => boolean
  /** Waits a little, longer each time; rejects with `SLUICE_CASSANDRA_UNAVAILABLE` once the time is over. */
  pause(cause: unknown): Promise<void>
  /** Repeats a request that changes nothing, or nothing twice, until it is answered or the time is over. */
  insist<T>(request: () => Promise<T>): Promise<T>
}

const firstPauseMs = 20
const longestPauseMs = 500

/** Patience that ends at `deadlineMs` of `clock`. */
export const patienceUntil = (clock: Clock, deadlineMs: number, subject: string): Patience => {
  let pauseMs = firstPauseMs
  const left = (): boolean => clock.now() < deadlineMs
  const pause = async (cause: unknown): Promise<void> => {
    if (clock.now() + pauseMs >= deadlineMs) throw stockUnavailable(subject, cause)
    await clock.sleep(pauseMs)
    pauseMs = Math.min(pauseMs * 2, longestPauseMs)
  }
  const insist = async <T>(request: () => Promise<T>): Promise<T> => {
    for (;;) {
      try {
        return await request()
      } catch (error) {
        if (!isUnavailable(error)) throw error
        await pause(error)
      }
    }
  }
  return { left, pause, insist }
}
