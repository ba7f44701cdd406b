import { Writer } from '@platformatic/kafka'
import { ByteReader } from './bytes.ts'
import type { TopicPartition } from './types.ts'

// The bytes that Kafka's own consumers put into JoinGroup and SyncGroup (version 0 of both schemas), so that Kafka's
// tools show the members' topics and partitions of our groups as of any other.

const version = 0
const empty = Buffer.alloc(0)

export interface Subscription {
  readonly topics: readonly string[]
  readonly userData: Buffer
}

export interface Assignment {
  readonly partitions: readonly TopicPartition[]
  readonly userData: Buffer
}

export const encodeSubscription = ({ topics, userData }: Subscription): Buffer =>
  Writer.create()
    .appendInt16(version)
    .appendArray([...topics], (writer, topic) => writer.appendString(topic, false), false, false)
    .appendBytes(userData, false).buffer

export const decodeSubscription = (bytes: Buffer): Subscription => {
  const reader = new ByteReader(bytes)
  reader.int16()
  const topics = Array.from({ length: reader.int32() }, () => reader.string())
  return { topics, userData: reader.bytes() ?? empty }
}

export const encodeAssignment = ({ partitions, userData }: Assignment): Buffer => {
  const byTopic = Map.groupBy(partitions, ({ topic }) => topic)
  return Writer.create()
    .appendInt16(version)
    .appendArray(
      [...byTopic],
      (writer, [topic, of]) => {
        writer.appendString(topic, false)
        writer.appendArray(of, (inner, { partition }) => inner.appendInt32(partition), false, false)
      },
      false,
      false,
    )
    .appendBytes(userData, false).buffer
}

export const decodeAssignment = (bytes: Buffer): Assignment => {
  // A member that the leader gave nothing may get no bytes at all.
  if (bytes.length === 0) return { partitions: [], userData: empty }
  const reader = new ByteReader(bytes)
  reader.int16()
  const partitions: TopicPartition[] = []
  for (let topics = reader.int32(); topics > 0; topics--) {
    const topic = reader.string()
    for (let count = reader.int32(); count > 0; count--) partitions.push({ topic, partition: reader.int32() })
  }
  return { partitions, userData: reader.bytes() ?? empty }
}
