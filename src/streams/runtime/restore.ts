import type { CrashPoints } from '../../core/crash-points.ts'
import type { Kafka, KafkaAdmin, OffsetPosition, TopicPartition } from '../../kafka/types.ts'
import type { BoundFormats } from '../engine/bound-formats.ts'
import { entryOfChangelog } from '../engine/changelog.ts'
import type { Task } from '../engine/task.ts'
import type { PlannedTask } from './task-plan.ts'
import type { AvroCodecs } from '../../codec/avro-codecs.ts'

export interface RestoreOptions {
  readonly kafka: Kafka
  readonly admin: KafkaAdmin
  readonly groupId: string
  readonly formats: BoundFormats
  readonly codecs: AvroCodecs
  readonly signal: AbortSignal
  /** Transactional id of an owner that has left, if there was one. */
  readonly fence: string | undefined
  readonly onRestored?: (records: number) => void
  readonly crash?: CrashPoints | undefined
}

const placeOf = ({ topic, partition }: TopicPartition): string => `${topic}-${partition}`

/**
 * Makes a task ready: its stores as of the last commit, and the positions to read on from.
 *
 * The sequence is what makes it exact: a former owner's transaction is ended first, then offsets are fetched with pending ones
 * waited out, and only then is the changelog's end asked for; the other way round would miss the predecessor's last turn. Its
 * very end: stable offsets say that a transaction has ended where offsets are kept, not that its marker is in every changelog.
 */
export const restoreTask = async (
  task: Task,
  planned: PlannedTask,
  options: RestoreOptions,
): Promise<readonly OffsetPosition[]> => {
  const { admin } = options
  if (options.fence !== undefined) {
    await admin.fenceProducer(options.fence)
    options.crash?.('restore.after-fence')
  }
  const positions = await committedPositions(admin, options.groupId, planned.inputs)
  options.crash?.('restore.after-offsets')
  if (planned.changelogs.length > 0) await restoreStores(task, planned, options)
  return positions
}

/** Committed offsets, pending transactions waited out; the log's start where nothing was committed yet. */
export const committedPositions = async (
  admin: KafkaAdmin,
  groupId: string,
  inputs: readonly TopicPartition[],
): Promise<readonly OffsetPosition[]> => {
  const committed = await admin.committedOffsets(groupId, inputs)
  const fresh = committed.filter(({ offset }) => offset < 0)
  const starts = fresh.length === 0 ? [] : await admin.listOffsets(fresh, 'earliest')
  return [...committed.filter(({ offset }) => offset >= 0), ...starts]
}

const restoreStores = async (task: Task, planned: PlannedTask, options: RestoreOptions): Promise<void> => {
  const { kafka, admin, formats, codecs, signal } = options
  const partitions = planned.changelogs.map(({ topic, partition }) => ({ topic, partition }))
  const storeOf = new Map(planned.changelogs.map(({ topic, store }) => [topic, store]))
  const [starts, ends] = await Promise.all([
    admin.listOffsets(partitions, 'earliest'),
    admin.listOffsets(partitions, 'latest'),
  ])
  const end = new Map(ends.map(position => [placeOf(position), position.offset]))
  const behind = (position: OffsetPosition): boolean => position.offset < (end.get(placeOf(position)) ?? 0)
  const toRead = starts.filter(behind)
  if (toRead.length === 0) return
  const reader = kafka.reader()
  try {
    reader.assign(toRead)
    while (
      toRead.some(({ topic, partition }) =>
        behind({ topic, partition, offset: reader.position({ topic, partition }) ?? 0 }),
      )
    ) {
      signal.throwIfAborted()
      const records = await reader.poll(5_000, 500)
      const missing = codecs.missingIds(records.map(record => record.value))
      if (missing.length > 0) await codecs.load(missing)
      for (const record of records) {
        const store = storeOf.get(record.topic) as string
        task.stores.get(store)?.restore(entryOfChangelog(record, formats.store(store)))
      }
      options.onRestored?.(records.length)
      if (records.length > 0) options.crash?.('restore.after-records')
    }
  } finally {
    await reader.close()
  }
}
