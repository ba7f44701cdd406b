import { createRandom } from '../../../src/core/random.ts'
import { openBook, type OpenBookOptions } from './open-book.ts'
import { watchProgress, type Progress } from './progress.ts'
import { Storm, type StormReport } from './storm.ts'

export interface RunStormOptions extends OpenBookOptions {
  readonly sessionTimeoutMs: number
  readonly durationMs: number
  /** Moves. */
  readonly perSecond: number
  /** Instance ids; default four. */
  readonly instances?: readonly string[]
}

export interface StormOutcome extends StormReport, Progress {
  readonly moves: number
  /** From the storm's end until nothing was left to read. */
  readonly settledMs: number
}

const settlesWithinMs = 60_000
/** Beyond the session of a worker that was lost: what a group takes to share its tasks anew on a busy machine. */
const sharesAnewWithinMs = 8_000

/**
 * A storm over a book, with moves written all the time. `faults` holds what the workers did wrong and what is wrong with what
 * they left.
 */
export const runStorm = async (options: RunStormOptions): Promise<StormOutcome> => {
  const { clock, sessionTimeoutMs, durationMs, perSecond, instances = ['a', 'b', 'c', 'd'] } = options
  const open = await openBook(options)
  const over = new AbortController()
  const writing = open.write({ perSecond, signal: over.signal })
  const storm = new Storm({
    launch: open.launch,
    instances,
    clock,
    random: createRandom(options.seed),
    durationMs,
    eventIntervalMs: 1_000,
    sleepMs: sessionTimeoutMs * 1.5,
  })
  try {
    await storm.joined()
    const progressing = watchProgress(open.admin, open.book, clock, over.signal)
    const report = await storm.run()
    over.abort()
    const [progress] = await Promise.all([progressing, writing])
    const endedAt = clock.now()
    await open.untilNothingIsLeft(settlesWithinMs)
    const settledMs = clock.now() - endedAt
    const faults = await open.judge()
    // Some worker always has a partition that nobody takes from it.
    const stalls =
      progress.longestStallMs > sessionTimeoutMs + sharesAnewWithinMs
        ? [`nothing moved for ${progress.longestStallMs} ms`]
        : []
    return {
      ...report,
      ...progress,
      moves: open.moves.length,
      settledMs,
      faults: [...(await storm.stop()), ...faults, ...stalls],
    }
  } finally {
    over.abort()
    await Promise.allSettled([storm.stop(), writing])
    await open.close()
  }
}
