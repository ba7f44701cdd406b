import type { Clock } from '../../core/clock.ts'
import type { CrashPoints } from '../../core/crash-points.ts'
import { SluiceError } from '../../core/errors.ts'
import type { KafkaAdmin, OffsetPosition, TransactionalProducer } from '../../kafka/types.ts'
import type { Task, TurnResult } from '../engine/task.ts'
import { areSame } from './commit-marks.ts'
import type { Membership } from './membership.ts'
import type { Retry } from './retry.ts'

/** A worker's turn on its way to the log: everything its tasks did, and how far they read. */
export interface EndedTurn {
  readonly tasks: readonly Task[]
  readonly results: readonly TurnResult[]
  /** With the mark of this commit. */
  readonly positions: readonly OffsetPosition[]
}

export interface CommitOptions {
  readonly admin: KafkaAdmin
  readonly producer: TransactionalProducer
  readonly groupId: string
  readonly membership: Pick<Membership, 'current' | 'settled'>
  readonly retry: Retry
  readonly clock: Clock
  readonly crash?: CrashPoints | undefined
}

const refusedPauseMs = 20

/**
 * The commit protocol. True: the turn's writes are state and its outputs visible. False: nothing of it ever will be, and all
 * turns stacked on it must be forgotten too; a rejection means the same, with the reason.
 */
export const commitTurn = async (turn: EndedTurn, options: CommitOptions): Promise<boolean> => {
  const { producer, crash } = options
  // Not begun by one that is no member: an open transaction holds up everybody who reads its partitions.
  options.membership.current()
  // 1. Outputs and changelogs, in one transaction with
  const records = turn.results.flatMap(({ outputs, changelog }) => [...outputs, ...changelog])
  if (records.length > 0) await producer.send(records)
  crash?.('commit.after-send')
  // 2. how far was read. A generation that has ended in the meantime is no loss: the transaction waits for the next one.
  await sendOffsets(turn.positions, options)
  crash?.('commit.after-offsets')
  // 3. The commit point.
  const outcome = await producer.commit()
  const committed =
    outcome === 'unknown' ? await wasCommitted(turn.positions, options) : outcome === 'committed'
  if (committed) crash?.('commit.after-end')
  // 4. Only now do the turn's writes become state.
  if (committed) for (const task of turn.tasks) task.promote()
  return committed
}

const sendOffsets = async (
  positions: readonly OffsetPosition[],
  { producer, membership, clock }: CommitOptions,
): Promise<void> => {
  for (;;) {
    try {
      await producer.sendOffsets(membership.current(), positions)
      return
    } catch (error) {
      if (!(error instanceof SluiceError) || error.reaction !== 'retry') throw error
      // A new generation has begun and its join is not through yet, or the heartbeat has still to notice.
      await clock.sleep(refusedPauseMs)
      await membership.settled()
    }
  }
}

// A new producer epoch ends the transaction one way or the other; then the stable offsets tell which way it was. As long as
// nobody can tell, nothing else may happen: forgetting a turn that was committed would lose its state.
const wasCommitted = async (
  positions: readonly OffsetPosition[],
  { admin, producer, groupId, retry }: CommitOptions,
): Promise<boolean> =>
  retry('resolving a commit of unknown outcome', async () => {
    await producer.init()
    // Marks, not offsets: whoever has taken over meanwhile may have read exactly as far.
    return areSame(positions, await admin.committedOffsets(groupId, positions))
  })
