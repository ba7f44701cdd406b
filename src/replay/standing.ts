import type { KafkaAdmin, OffsetPosition, TopicPartition } from '../kafka/types.ts'

/** How far a replay is. Counts are offsets: control records of transactions are among them. */
export interface Standing {
  /** Of the live partitions, from where it began to where it is to end. */
  readonly done: number
  readonly total: number
  /** Records of its own topics that it has still to read. */
  readonly behind: number
  readonly isEnded: boolean
}

/** What a standing is made of; `committed` was read before `ownEnds`. */
export interface StandingParts {
  readonly starts: readonly OffsetPosition[]
  /** Of the live partitions: where to end. */
  readonly ends: readonly OffsetPosition[]
  /** Of the group, in all partitions read; -1 where nothing is committed. */
  readonly committed: readonly OffsetPosition[]
  /** Of its own topics that it reads, now; what is not yet committed included. */
  readonly ownEnds: readonly OffsetPosition[]
}

const placeOf = ({ topic, partition }: TopicPartition): string => `${topic}-${partition}`

/**
 * A replay has ended when each live partition is read up to its end, and its own topics are read up. Every output is written
 * before the offsets behind it are committed, so what was committed first and still is the very end later leaves nothing under way.
 */
export const standingOf = ({ starts, ends, committed, ownEnds }: StandingParts): Standing => {
  const start = new Map(starts.map(position => [placeOf(position), position.offset]))
  const at = new Map(committed.map(position => [placeOf(position), position.offset]))
  const parts = ends.map(end => {
    const from = Math.min(start.get(placeOf(end)) ?? 0, end.offset)
    const reached = at.get(placeOf(end)) ?? -1
    return {
      total: end.offset - from,
      done: Math.max(0, Math.min(reached, end.offset) - from),
      isEnded: reached >= end.offset,
    }
  })
  const behind = ownEnds.map(end => Math.max(0, end.offset - Math.max(0, at.get(placeOf(end)) ?? 0)))
  const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)
  return {
    done: sum(parts.map(({ done }) => done)),
    total: sum(parts.map(({ total }) => total)),
    behind: sum(behind),
    isEnded: parts.every(({ isEnded }) => isEnded) && sum(behind) === 0,
  }
}

/** Partitions of a replay: of the live topics that it reads, and of its own. */
export interface ReplayPartitions {
  readonly live: readonly TopicPartition[]
  readonly own: readonly TopicPartition[]
}

/** How far the group of a replay is now. */
export const readStanding = async (
  admin: KafkaAdmin,
  groupId: string,
  partitions: ReplayPartitions,
  bounds: Pick<StandingParts, 'starts' | 'ends'>,
): Promise<Standing> => {
  // Pending offsets count as not committed; waiting for their end would only make the answer older.
  const committed = await admin.unstableOffsets(groupId, [...partitions.live, ...partitions.own])
  // Not the committed ends: offsets can be seen to be committed a moment before the records that were committed with them.
  const ownEnds = await admin.listOffsets(partitions.own, 'latest')
  return standingOf({ ...bounds, committed, ownEnds })
}
