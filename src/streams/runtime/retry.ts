import type { Clock } from '../../core/clock.ts'
import { messageOf, SluiceError } from '../../core/errors.ts'
import type { Logger } from '../../core/log.ts'

/** Repeats what a foreign system could not answer, with a growing pause, until it does or the worker is told to stop. */
export type Retry = <T>(what: string, attempt: () => Promise<T>) => Promise<T>

const firstPauseMs = 50
const longestPauseMs = 2_000

/** Whether an error passes by itself. */
export const isTransient = (error: unknown): boolean =>
  error instanceof SluiceError && error.reaction !== 'stop'

/**
 * Errors that do not pass reject at once; an aborted signal rejects with its reason.
 *
 * @example const retry = retrying(clock, log, signal); await retry('starting the producer', () => producer.init())
 */
export const retrying =
  (clock: Clock, log: Logger, signal: AbortSignal): Retry =>
  async (what, attempt) => {
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      try {
        return await attempt()
      } catch (error) {
        if (!isTransient(error)) throw error
        // Only what failed is given up: a worker that is told to stop still finishes its open turn.
        signal.throwIfAborted()
        log.warn({ error: messageOf(error), pauseMs }, `${what} failed; trying again`)
        await clock.sleep(pauseMs, signal)
      }
    }
  }
