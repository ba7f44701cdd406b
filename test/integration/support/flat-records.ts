import { RegistryDecoder, schemaIdOf } from '../../../src/check/log/registry.ts'
import type { ConsumedRecord, Kafka } from '../../../src/kafka/types.ts'

/** A record with its value as its own writer's schema gives it, by path. */
export interface FlatRecord extends ConsumedRecord {
  readonly schemaId: number
  readonly fields: Readonly<Record<string, unknown>>
}

/** A nested value as paths and scalars. */
export const flatFields = (value: unknown, path = ''): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null
    ? Object.assign(
        {},
        ...Object.entries(value).map(([name, field]) =>
          flatFields(field, path === '' ? name : `${path}.${name}`),
        ),
      )
    : { [path]: value }

/** Everything committed on a topic, decoded by what is registered and by none of our schemas; a tombstone has no fields. */
export const readFlat = async (kafka: Kafka, registry: string, topic: string): Promise<FlatRecord[]> => {
  const admin = kafka.admin()
  if (!(await admin.listTopics()).includes(topic)) return []
  const [description] = await admin.describeTopics([topic])
  const partitions = Array.from({ length: description?.partitions ?? 0 }, (_, partition) => ({
    topic,
    partition,
  }))
  const ends = await admin.listOffsets(partitions, 'latest-committed')
  const reader = kafka.reader()
  reader.assign(partitions.map(partition => ({ ...partition, offset: 0 })))
  const decoder = new RegistryDecoder(registry)
  const found: FlatRecord[] = []
  while (ends.some(end => (reader.position(end) ?? 0) < end.offset))
    for (const record of await reader.poll(5_000, 200)) {
      if (record.value === null) {
        found.push({ ...record, schemaId: -1, fields: {} })
        continue
      }
      const schemaId = schemaIdOf(record.value) ?? -1
      if (!decoder.knows(schemaId)) await decoder.load(schemaId)
      found.push({ ...record, schemaId, fields: flatFields(decoder.decode(record.value, topic)) })
    }
  await reader.close()
  return found
}

/** The schema of an id, as the registry has it. */
export const registeredSchema = async (registry: string, id: number): Promise<unknown> => {
  const response = await fetch(`${registry}/schemas/ids/${id}`)
  const { schema } = (await response.json()) as { schema: string }
  return JSON.parse(schema) as unknown
}
