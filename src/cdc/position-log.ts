import type { Kafka, LogReader, ProducedRecord, TopicPartition } from '../kafka/types.ts'
import { decodePosition, encodePosition } from './position.ts'
import type { RelayPosition } from './position.ts'

/** Near the end, where the last position is, whatever aborted ones and transaction markers lie behind it. */
const tailOffsets = 1_000

/** Creates the position topic if it is missing: one compacted partition, small segments, since only the last value counts. */
export const ensurePositionTopic = (
  kafka: Kafka,
  topic: string,
  replicas: number | undefined,
): Promise<void> =>
  kafka.admin().ensureTopics([
    {
      name: topic,
      partitions: 1,
      ...(replicas === undefined ? {} : { replicas }),
      config: { 'cleanup.policy': 'compact', 'segment.bytes': '4194304', 'min.cleanable.dirty.ratio': '0.1' },
    },
  ])

export const positionRecord = (topic: string, position: RelayPosition, nowMs: number): ProducedRecord => ({
  topic,
  partition: 0,
  timestamp: nowMs,
  key: Buffer.from(position.slot),
  value: encodePosition(position),
  headers: [],
})

/** The last committed position, of whatever slot; undefined before the first start. */
export const readPosition = async (kafka: Kafka, topic: string): Promise<RelayPosition | undefined> => {
  const partition = { topic, partition: 0 }
  const admin = kafka.admin()
  const [first] = await admin.listOffsets([partition], 'earliest')
  const [end] = await admin.listOffsets([partition], 'latest-committed')
  if (first === undefined || end === undefined || end.offset <= first.offset) return undefined
  const reader = kafka.reader()
  try {
    const tail = Math.max(first.offset, end.offset - tailOffsets)
    const last = await lastValue(reader, partition, tail, end.offset)
    if (last !== undefined || tail === first.offset) return last
    return await lastValue(reader, partition, first.offset, end.offset)
  } finally {
    await reader.close()
  }
}

const lastValue = async (
  reader: LogReader,
  partition: TopicPartition,
  from: number,
  end: number,
): Promise<RelayPosition | undefined> => {
  let last: Buffer | undefined
  reader.assign([{ ...partition, offset: from }])
  while ((reader.position(partition) ?? from) < end)
    for (const record of await reader.poll(tailOffsets, 1_000)) if (record.value !== null) last = record.value
  return last === undefined ? undefined : decodePosition(last)
}
