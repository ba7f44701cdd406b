import type { Kafka } from '../kafka/types.ts'

/** Reads a topic to its present end and gives the event ids on it (header `id`), for what must not be sent twice. */
export const knownIds = async (
  kafka: Kafka,
  topic: string,
  partitions: number,
  idOf: (value: Buffer) => Promise<string | undefined>,
  signal: AbortSignal,
): Promise<Set<string>> => {
  const ids = new Set<string>()
  const all = Array.from({ length: partitions }, (_, partition) => ({ topic, partition }))
  const admin = kafka.admin()
  const starts = await admin.listOffsets(all, 'earliest')
  const ends = await admin.listOffsets(all, 'latest-committed')
  const endOf = new Map(ends.map(end => [end.partition, end.offset]))
  const filled = starts.filter(start => (endOf.get(start.partition) ?? 0) > start.offset)
  if (filled.length === 0) return ids
  const reader = kafka.reader()
  try {
    reader.assign(filled)
    const isBehind = (): boolean =>
      filled.some(start => (reader.position(start) ?? start.offset) < (endOf.get(start.partition) ?? 0))
    while (isBehind()) {
      signal.throwIfAborted()
      for (const record of await reader.poll(5_000, 500)) {
        const header = record.headers.find(([name]) => name === 'id')
        // Records of a real Debezium have no such header; the id is in the envelope.
        const id =
          header === undefined ? record.value && (await idOf(record.value)) : header[1].toString('utf8')
        if (typeof id === 'string') ids.add(id)
      }
    }
    return ids
  } finally {
    await reader.close()
  }
}
