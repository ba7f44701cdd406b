import type { SchemaRegistry } from '../../src/codec/registry.ts'
import type { ConsumedRecord, Kafka, OffsetPosition, ProducedRecord } from '../../src/kafka/types.ts'
import type { RecordedLog } from '../../src/streams/testing/recorded-log.ts'

const partitionsOf = async (kafka: Kafka, topics: readonly string[]): Promise<Record<string, number>> => {
  const admin = kafka.admin()
  try {
    const described = await admin.describeTopics(topics)
    return Object.fromEntries(described.map(({ name, partitions }) => [name, partitions]))
  } finally {
    await admin.close()
  }
}

const endsOf = async (
  kafka: Kafka,
  partitions: Readonly<Record<string, number>>,
): Promise<OffsetPosition[]> => {
  const admin = kafka.admin()
  try {
    const all = Object.entries(partitions).flatMap(([topic, count]) =>
      Array.from({ length: count }, (_, partition) => ({ topic, partition })),
    )
    return await admin.listOffsets(all, 'latest-committed')
  } finally {
    await admin.close()
  }
}

/** Rejects where anything was written before: logs that begin in the middle cannot be replayed. */
export const requireEmpty = async (kafka: Kafka, topics: readonly string[]): Promise<void> => {
  const written = (await endsOf(kafka, await partitionsOf(kafka, topics))).find(({ offset }) => offset > 0)
  if (written === undefined) return
  throw new Error(
    `${written.topic} partition ${written.partition} has records already; record on a new stack: stack up --name recording`,
  )
}

/** All committed records of the topics, in offset order per partition. */
export const readCommitted = async (kafka: Kafka, topics: readonly string[]): Promise<ConsumedRecord[]> => {
  const ends = await endsOf(kafka, await partitionsOf(kafka, topics))
  const reader = kafka.reader()
  try {
    reader.assign(ends.map(end => ({ ...end, offset: 0 })))
    const records: ConsumedRecord[] = []
    while (ends.some(end => (reader.position(end) ?? 0) < end.offset))
      records.push(...(await reader.poll(1_000, 200)))
    const place = ({ topic, partition }: ConsumedRecord): number => topics.indexOf(topic) * 1_000 + partition
    return records.toSorted((one, other) => place(one) - place(other) || one.offset - other.offset)
  } finally {
    await reader.close()
  }
}

/** Writes records once more, as a second relay or a repeated send would, the later ones first. */
export const writeAgain = async (kafka: Kafka, records: readonly ProducedRecord[]): Promise<void> => {
  const producer = kafka.transactionalProducer('record-logs')
  try {
    await producer.init()
    await producer.send(records.toReversed())
    await producer.commit()
  } finally {
    await producer.close()
  }
}

/** The topics with every version of the schemas of their values. */
export const recordLogs = async (
  kafka: Kafka,
  registry: SchemaRegistry,
  topics: readonly string[],
): Promise<RecordedLog> => {
  const schemas = await Promise.all(
    topics.map(async topic => {
      const subject = `${topic}-value`
      const versions = await registry.versions(subject)
      return versions.map(({ id, schema }) => ({ subject, id, schema }))
    }),
  )
  const records = await readCommitted(kafka, topics)
  return {
    partitions: await partitionsOf(kafka, topics),
    schemas: schemas.flat(),
    records: records.map(({ topic, partition, timestamp, key, value, headers }) => ({
      topic,
      partition,
      timestamp,
      key,
      value,
      headers,
    })),
  }
}
