import { systemClock } from '../core/clock.ts'
import { matches, type LetterFilter } from '../streams/dead-letters/filter.ts'
import { parseLetterId, type LetterId } from '../streams/dead-letters/letter-id.ts'
import { DeadLetters } from '../streams/dead-letters/letters.ts'
import {
  dropLetters,
  retryLetters,
  type LetterSelection,
  type SettleOptions,
  type SettleReport,
} from '../streams/dead-letters/settle.ts'
import { topologyOf, withDlqConnection } from './dlq-connection.ts'
import { selectTopologies } from './select-topologies.ts'

/** What `retry` and `drop` are told to act on. */
export interface Chosen {
  readonly ids: readonly string[]
  /** Topologies and filter, where no ids are given. */
  readonly matching: { readonly topologies: readonly string[]; readonly filter: LetterFilter } | undefined
}

interface Target {
  readonly topology: { readonly name: string }
  readonly selection: LetterSelection
}

const targetsOf = ({ ids, matching }: Chosen): readonly Target[] => {
  if (matching !== undefined)
    return selectTopologies(matching.topologies).map(topology => ({
      topology,
      selection: { filter: matching.filter },
    }))
  const parsed = ids.map(parseLetterId)
  return [...Map.groupBy(parsed, ({ topic }) => topic).values()].map(of => ({
    topology: topologyOf(of[0] as LetterId),
    selection: { ids: of },
  }))
}

/** How many letters are chosen: those of the ids, or the open ones that match. */
export const countChosen = async (chosen: Chosen): Promise<number> => {
  const { matching } = chosen
  if (matching === undefined) return new Set(chosen.ids).size
  const targets = targetsOf(chosen)
  return withDlqConnection(async ({ kafka, admin }) => {
    let count = 0
    for (const { topology } of targets)
      for await (const parked of new DeadLetters(kafka, admin, topology).all())
        if (matches(parked, matching.filter)) count++
    return count
  })
}

/** Sends what is chosen to its sources again. */
export const retryChosen = (chosen: Chosen, by: string): Promise<SettleReport> =>
  settleChosen(chosen, by, retryLetters)

/** Marks what is chosen as dropped. */
export const dropChosen = (chosen: Chosen, by: string, reason: string): Promise<SettleReport> =>
  settleChosen(chosen, by, (options, selection) => dropLetters(options, selection, reason))

const settleChosen = (
  chosen: Chosen,
  by: string,
  settle: (options: SettleOptions, selection: LetterSelection) => Promise<SettleReport>,
): Promise<SettleReport> => {
  const targets = targetsOf(chosen)
  return withDlqConnection(async connection => {
    const done: string[] = []
    const refused: SettleReport['refused'][number][] = []
    for (const { topology, selection } of targets) {
      const report = await settle({ ...connection, topology, clock: systemClock, by }, selection)
      done.push(...report.done)
      refused.push(...report.refused)
    }
    return { done, refused }
  })
}
