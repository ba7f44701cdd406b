import type { KafkaAdmin, OffsetPosition, TopicPartition } from '../kafka/types.ts'
import type { ReplayPlan } from './plan.ts'

/** How a replay's inputs stand to live's: equal logs can be expected only where both have read the same. */
export interface Coverage {
  /** Live has read something that the replay has not. */
  readonly isLiveAhead: boolean
  /** The replay has read something that live has not. */
  readonly isLiveBehind: boolean
  /** The replay began later than the log: what it lacks from before shows in everything that follows. */
  readonly isPartial: boolean
}

/** Positions in the same partitions, in the same order; -1 where nothing is committed. */
export const coverageOf = (
  replayed: readonly OffsetPosition[],
  liveBefore: readonly OffsetPosition[],
  liveAfter: readonly OffsetPosition[],
  isPartial: boolean,
): Coverage => ({
  isPartial,
  isLiveAhead: replayed.some(({ offset }, index) => (liveAfter[index]?.offset ?? -1) > offset),
  isLiveBehind: replayed.some(({ offset }, index) => (liveBefore[index]?.offset ?? -1) < offset),
})

/**
 * Runs a comparison between two looks at live, so that what live has done in the meantime is known; the comparison is repeated where
 * live was found to have read more only afterwards.
 */
export const withCoverage = async <T>(
  admin: KafkaAdmin,
  { shadow, isPartial }: Pick<ReplayPlan, 'shadow' | 'isPartial'>,
  liveGroup: string,
  partitions: readonly TopicPartition[],
  compare: (coverage: Coverage) => Promise<T>,
): Promise<{ readonly coverage: Coverage; readonly result: T }> => {
  const replayed = await admin.committedOffsets(shadow, partitions)
  const before = await admin.committedOffsets(liveGroup, partitions)
  const assumed = coverageOf(replayed, before, before, isPartial)
  const result = await compare(assumed)
  const after = await admin.committedOffsets(liveGroup, partitions)
  const coverage = coverageOf(replayed, before, after, isPartial)
  return coverage.isLiveAhead === assumed.isLiveAhead
    ? { coverage, result }
    : { coverage, result: await compare(coverage) }
}

/** What a user is told of it. */
export const coverageNotes = (
  { isLiveAhead, isLiveBehind, isPartial }: Coverage,
  id: string,
): readonly string[] => [
  ...(isLiveAhead
    ? [
        `live has read on since; what came then is undecided: run the replay ${id} again to catch up, and compare while nothing comes`,
      ]
    : []),
  ...(isLiveBehind
    ? ['live has not yet read all that was replayed; what it has still to write is undecided']
    : []),
  ...(isPartial
    ? ['the replay is partial: what it has differently may follow from what it lacks, and is undecided']
    : []),
]
