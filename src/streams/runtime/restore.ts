import type { CrashPoints } from '../../core/crash-points.ts'
import { SluiceError } from '../../core/errors.ts'
import type { AvroCodecs } from '../../codec/avro-codecs.ts'
import type { Kafka, KafkaAdmin, OffsetPosition, TopicPartition } from '../../kafka/types.ts'
import type { BoundFormats } from '../engine/bound-formats.ts'
import { entryOfChangelog } from '../engine/changelog.ts'
import type { Task } from '../engine/task.ts'
import type { PlannedTask } from './task-plan.ts'

export interface RestoreOptions {
  readonly kafka: Kafka
  readonly admin: KafkaAdmin
  readonly formats: BoundFormats
  readonly codecs: AvroCodecs
  readonly signal: AbortSignal
  readonly onRestored?: (records: number) => void
  readonly crash?: CrashPoints | undefined
}

const placeOf = ({ topic, partition }: TopicPartition): string => `${topic}-${partition}`

/**
 * Reads the changelogs of a task into its empty stores, up to their ends as of now.
 * Errors: SLUICE_STREAMS_CHANGELOG_MOVED when a changelog's start was deleted in the middle of it; begin anew with another task.
 */
export const restoreStores = async (
  task: Task,
  planned: PlannedTask,
  options: RestoreOptions,
): Promise<void> => {
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
      const records = await reader.poll(5_000, 500).catch(startOver)
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

// What was deleted may have been read already: only a restore from the new start gives what the log holds.
const startOver = (error: unknown): never => {
  if (!(error instanceof SluiceError) || error.code !== 'SLUICE_KAFKA_OFFSET_OUT_OF_RANGE') throw error
  throw new SluiceError({
    code: 'SLUICE_STREAMS_CHANGELOG_MOVED',
    message: `a changelog lost its oldest records while it was being read: ${error.message}`,
    remedy: 'nothing: the task is restored again from the new start',
    reaction: 'retry',
    details: error.details,
    cause: error,
  })
}
