import { createRandom } from '../../../src/core/random.ts'
import { killAt } from './kill-at.ts'
import { describeRound, planRound, playRound } from './kill-round.ts'
import { places, victimOf } from './places.ts'
import type { Stage } from './stage.ts'
import { describePlan, planUnknown, playUnknown } from './unknown.ts'
import type { UnknownPlan } from './unknown.ts'

/** How a run reports while it goes on. */
export interface RunOptions {
  /** Rounds or faults from one verdict to the next. */
  readonly judgeEvery: number
  /** What is done next, and how much has been done. */
  readonly onProgress?: (done: number, text: string) => void
  /** Ends the run early, with a verdict like any other end. */
  readonly signal?: AbortSignal
}

/** Judges, and says whether to go on: what is wrong once stays wrong, and its traces would be buried. */
const isWell = async (stage: Stage): Promise<boolean> => (await stage.judge()).ok

/** Kills at every named place once, each alone. */
export const runPlaces = async (stage: Stage, { judgeEvery, onProgress }: RunOptions): Promise<void> => {
  for (const [index, place] of places.entries()) {
    const name = victimOf(place)
    onProgress?.(index, `${name} at ${place.name}`)
    await killAt(stage, place, name)
    const isDue = (index + 1) % judgeEvery === 0 || index + 1 === places.length
    if (isDue && !(await isWell(stage))) return
  }
}

/**
 * Kills by chance, so many rounds.
 *
 * @param options.reachWithinMs After this a process dies where it is, if it has not come by the place that was chosen.
 */
export const runKills = async (
  stage: Stage,
  rounds: number,
  { judgeEvery, onProgress, signal, reachWithinMs }: RunOptions & { readonly reachWithinMs: number },
): Promise<void> => {
  const random = createRandom(stage.seed)
  for (let round = 1; round <= rounds; round += 1) {
    const plan = planRound(random)
    onProgress?.(round - 1, describeRound(plan))
    await playRound(stage, plan, reachWithinMs)
    const isLast = round === rounds || signal?.aborted === true
    const isDue = isLast || round % judgeEvery === 0
    if (isDue && !(await isWell(stage))) return
    if (isLast) return
  }
}

/** Makes so many outcomes unknown; needs a stage whose processes are behind proxies. */
export const runUnknown = async (
  stage: Stage,
  count: number,
  { judgeEvery, onProgress, signal, ...options }: RunOptions & { readonly isQuick: boolean },
): Promise<void> => {
  const plans = planUnknown(createRandom(stage.seed), options.isQuick)
  for (let struck = 0; struck < count;) {
    if (signal?.aborted === true) return
    const block = plans.next(Math.min(judgeEvery, count - struck))
    onProgress?.(struck, `the next ${block.length}, first ${describePlan(block[0] as UnknownPlan)}`)
    const missed = await playUnknown(stage, block)
    struck += block.length - missed.length
    if (missed.length === block.length) {
      stage.book.fail(`none of these requests was seen: ${missed.map(describePlan).join(', ')}`)
      return
    }
    if (!(await isWell(stage))) return
  }
}
