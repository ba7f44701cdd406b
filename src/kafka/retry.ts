import type { Clock } from '../core/clock.ts'
import { handlingOf, kafkaError } from './classify.ts'
import type { Handling } from './classify.ts'

export interface RetryOptions {
  readonly clock: Clock
  /** How long retriable failures are repeated before `SLUICE_KAFKA_UNAVAILABLE`. */
  readonly timeoutMs: number
  readonly signal: AbortSignal
  /** What is being done, for the message. */
  readonly what: string
  readonly details?: Readonly<Record<string, unknown>>
}

/** The pause before the next try: short ones for what ends in milliseconds, growing to a second for the rest. */
export const pauseMs = (handling: Handling, tries: number): number =>
  handling === 'again-soon' ? Math.min(2 * 2 ** tries, 32) : Math.min(20 * 2 ** tries, 1000)

/** Repeats a request until it succeeds, is refused, or the time is up; `onRetry` drops what the failure shows to be old. */
export const retrying = async <Result>(
  options: RetryOptions,
  attempt: () => Promise<Result>,
  onRetry: (handling: Handling, error: unknown) => void = () => {},
): Promise<Result> => {
  const deadline = options.clock.now() + options.timeoutMs
  for (let tries = 0; ; tries++) {
    try {
      return await attempt()
    } catch (error) {
      const handling = handlingOf(error)
      if (handling === 'refuse' || options.clock.now() >= deadline) {
        throw kafkaError(error, options.what, options.details)
      }
      onRetry(handling, error)
      await options.clock.sleep(pauseMs(handling, tries), options.signal)
    }
  }
}
