import { randomUUID } from 'node:crypto'
import type { OffsetPosition, TopicPartition } from '../../kafka/types.ts'

const placeOf = ({ topic, partition }: TopicPartition): string => `${topic}:${partition}`
const pattern = /^sluice:1:[^:]*:\d+:(.*)$/s

/**
 * The transactional id of whoever committed an offset, from what is noted beside it; undefined for an offset that no worker
 * committed.
 *
 * @example committerOf('sluice:1:3f2a91c0:17:orders-worker-1-0') // 'orders-worker-1-0'
 */
export const committerOf = (metadata: string | undefined): string | undefined =>
  metadata === undefined ? undefined : pattern.exec(metadata)?.[1]

/**
 * What one worker knows of its own commits. Every commit has a mark of its own, noted beside its offsets, so that the broker can tell
 * afterwards whose commit was the last of a partition: offsets alone cannot, for another owner may have read exactly as far.
 */
export class CommitMarks {
  readonly #transactionalId: string
  readonly #incarnation: string
  readonly #last = new Map<string, OffsetPosition>()
  #count = 0

  /** `incarnation` differs each time the worker starts; it holds no colon. */
  constructor(transactionalId: string, incarnation = randomUUID().slice(0, 8)) {
    this.#transactionalId = transactionalId
    this.#incarnation = incarnation
  }

  /** The positions of one commit, with its mark. */
  mark(positions: readonly OffsetPosition[]): readonly OffsetPosition[] {
    const metadata = `sluice:1:${this.#incarnation}:${++this.#count}:${this.#transactionalId}`
    return positions.map(({ topic, partition, offset }) => ({ topic, partition, offset, metadata }))
  }

  /** These are the last committed positions of their partitions: committed here, or read when a task was taken over. */
  record(positions: readonly OffsetPosition[]): void {
    for (const position of positions) this.#last.set(placeOf(position), position)
  }

  /** Whether the broker would learn something from a commit of this position: how far it is, or whose the partition is now. */
  isNews({ topic, partition, offset }: OffsetPosition): boolean {
    const last = this.#last.get(placeOf({ topic, partition }))
    return last?.offset !== offset || committerOf(last.metadata) !== this.#transactionalId
  }

  /** Whether nobody else has committed since: every position read from the broker is the last one known here, mark and all. */
  areLast(positions: readonly OffsetPosition[]): boolean {
    return areSame(
      positions,
      positions.map(position => this.#last.get(placeOf(position))),
    )
  }
}

/** Whether each position was made by the same commit as the other one at its place. */
export const areSame = (
  positions: readonly OffsetPosition[],
  others: readonly (OffsetPosition | undefined)[],
): boolean =>
  positions.every((position, index) => {
    const other = others[index]
    return other !== undefined && other.offset === position.offset && other.metadata === position.metadata
  })
