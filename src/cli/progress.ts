import type { Clock } from '../core/clock.ts'
import { systemClock } from '../core/clock.ts'

/** Shows where a long command stands, on standard error, so that standard output stays the result's. */
export interface Progress {
  /** Replaces the line shown; cheap enough to be called for every item. */
  update(text: string | (() => string)): void
  /** Shows the last text given, if it was held back, and ends the line. */
  end(): void
}

/** What `createProgress` writes to; `process.stderr` fits. */
export interface ProgressOutput {
  readonly isTTY?: boolean
  write(text: string): unknown
}

/**
 * One line that changes in place on a terminal, a new line now and then elsewhere (logs).
 *
 * @example progress.update(() => `${sent} sent`)
 */
export const createProgress = (
  output: ProgressOutput = process.stderr,
  clock: Pick<Clock, 'now'> = systemClock,
): Progress => {
  const isTerminal = output.isTTY === true
  const intervalMs = isTerminal ? 100 : 5_000
  let shownAt = Number.NEGATIVE_INFINITY
  let held: string | (() => string) | undefined
  const show = (text: string | (() => string)): void => {
    const line = typeof text === 'string' ? text : text()
    output.write(isTerminal ? `\r\u001B[2K${line}` : `${line}\n`)
    shownAt = clock.now()
    held = undefined
  }
  return {
    update: text => {
      if (clock.now() - shownAt >= intervalMs) show(text)
      else held = text
    },
    end: () => {
      if (held !== undefined) show(held)
      if (isTerminal && shownAt > Number.NEGATIVE_INFINITY) output.write('\n')
    },
  }
}
