import type { StockUpdate } from '../../../schemas/types.ts'
import { schemas } from '../../../schemas/index.ts'
import { connectCassandra } from '../../../src/cassandra/client.ts'
import { avro } from '../../../src/codec/avro.ts'
import { AvroCodecs } from '../../../src/codec/avro-codecs.ts'
import { httpSchemaRegistry } from '../../../src/codec/http-registry.ts'
import type { ConsumedRecord, Kafka } from '../../../src/kafka/types.ts'
import { bookPartitions, bookSchemas, type Book, type Level } from './book.ts'
import type { BookServers } from './book-worker.ts'

/** What is left of a storm, wherever it can be seen. */
export interface BookContents {
  /** Committed ones, per partition in the order of the log. */
  readonly updates: readonly StockUpdate[]
  /** The last of each SKU in the store's changelog: what the store would be restored to. */
  readonly levels: ReadonlyMap<string, Level>
  /** Cassandra's `stock_state`. */
  readonly states: ReadonlyMap<string, Level>
  /** Rows of Cassandra's `stock_update` per SKU. */
  readonly history: ReadonlyMap<string, number>
}

/** Everything committed in a topic; the topic must be quiet. */
const readTopic = async (kafka: Kafka, topic: string): Promise<readonly ConsumedRecord[]> => {
  const reader = kafka.reader()
  const partitions = Array.from({ length: bookPartitions }, (_, partition) => ({ topic, partition }))
  reader.assign(partitions.map(of => ({ ...of, offset: 0 })))
  const records: ConsumedRecord[] = []
  const isAtEnd = (of: { topic: string; partition: number }): boolean => {
    const end = reader.endOffset(of)
    return end !== undefined && (reader.position(of) ?? 0) >= end
  }
  while (!partitions.every(isAtEnd)) records.push(...(await reader.poll(1_000, 200)))
  await reader.close()
  return records
}

export const readBook = async (kafka: Kafka, servers: BookServers, book: Book): Promise<BookContents> => {
  const codecs = new AvroCodecs(httpSchemaRegistry({ baseUrl: servers.registry }))
  const update = avro<StockUpdate>(`${book.updates.name}-value`, schemas['stock-update'])
  const level = avro<Level>(`${book.levels}-value`, bookSchemas.level)
  await codecs.prepare([update, level])
  const [updates, changelog] = [
    await readTopic(kafka, book.updates.name),
    await readTopic(kafka, book.levels),
  ]
  const cassandra = await connectCassandra({
    contactPoints: servers.cassandra,
    datacenter: servers.datacenter,
    keyspace: servers.keyspace,
  })
  const rows = async (query: string) => cassandra.read({ query, params: [] }, 'quorum')
  const states = await rows('SELECT sku, on_hand, sold FROM stock_state')
  const history = await rows('SELECT sku FROM stock_update')
  await cassandra.close()
  return {
    updates: updates.map(({ value }) => codecs.serde(update).decode(value as Buffer)),
    levels: new Map(
      changelog.map(({ key, value }) => [String(key), codecs.serde(level).decode(value as Buffer)]),
    ),
    states: new Map(
      states.map(row => [String(row['sku']), { count: Number(row['on_hand']), sum: Number(row['sold']) }]),
    ),
    history: new Map(
      [...Map.groupBy(history, row => String(row['sku']))].map(([sku, of]) => [sku, of.length]),
    ),
  }
}
