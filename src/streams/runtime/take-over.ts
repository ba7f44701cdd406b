import type { KafkaAdmin, OffsetPosition, TopicPartition } from '../../kafka/types.ts'
import type { Task } from '../engine/task.ts'
import { committerOf, type CommitMarks } from './commit-marks.ts'
import type { ReadyTask } from './owned-tasks.ts'
import { restoreStores, type RestoreOptions } from './restore.ts'
import type { PlannedTask } from './task-plan.ts'

export interface TakeOverOptions extends RestoreOptions {
  readonly groupId: string
  /** Transactional ids of all members of the generation that gave the task, this worker's own among them. */
  readonly living: readonly string[]
  readonly marks: CommitMarks
  /** The task as this worker ran it before it lost its membership. */
  readonly held: Task | undefined
  readonly newTask: () => Task
}

/**
 * Makes a task ready: its stores as of the last commit, and the positions to read on from.
 *
 * The sequence is what makes it exact: a former owner's transaction is ended first, then offsets are fetched with pending ones
 * waited out, and only then is the changelog's end asked for; the other way round would miss the predecessor's last turn. Its
 * very end: stable offsets say that a transaction has ended where offsets are kept, not that its marker is in every changelog.
 *
 * A task that was held is taken on as it is when the last commit of its every input is still this worker's own.
 */
export const takeOver = async (planned: PlannedTask, options: TakeOverOptions): Promise<ReadyTask> => {
  const { admin, groupId, marks, held, signal } = options
  signal.throwIfAborted()
  await fenceFormerOwners(planned, options)
  const committed = await admin.committedOffsets(groupId, planned.inputs)
  options.crash?.('restore.after-offsets')
  const positions = await startWhereNothing(admin, committed)
  if (held !== undefined && marks.areLast(committed)) return { task: held, planned, positions }
  const task = options.newTask()
  if (planned.changelogs.length > 0) await restoreStores(task, planned, options)
  marks.record(committed)
  return { task, planned, positions }
}

/** Committed offsets, pending transactions waited out; the log's start where nothing was committed yet. */
export const committedPositions = async (
  admin: KafkaAdmin,
  groupId: string,
  inputs: readonly TopicPartition[],
): Promise<readonly OffsetPosition[]> =>
  startWhereNothing(admin, await admin.committedOffsets(groupId, inputs))

// Whoever committed last and has gone may have another transaction open. Usually the group's leader has ended it already; only
// the offsets still know when nobody was left to tell.
const fenceFormerOwners = async (
  planned: PlannedTask,
  { admin, groupId, living, crash }: TakeOverOptions,
): Promise<void> => {
  const last = await admin.unstableOffsets(groupId, planned.inputs)
  const former = new Set(last.flatMap(({ metadata }) => committerOf(metadata) ?? []))
  for (const transactionalId of former.difference(new Set(living))) {
    await admin.fenceProducer(transactionalId)
    crash?.('restore.after-fence')
  }
}

const startWhereNothing = async (
  admin: KafkaAdmin,
  committed: readonly OffsetPosition[],
): Promise<readonly OffsetPosition[]> => {
  const fresh = committed.filter(({ offset }) => offset < 0)
  const starts = fresh.length === 0 ? [] : await admin.listOffsets(fresh, 'earliest')
  return [...committed.filter(({ offset }) => offset >= 0), ...starts]
}
