import { readdirSync, readFileSync } from 'node:fs'
import type { OutboxEnvelope } from '../../../schemas/types.ts'
import { AvroCodecs } from '../../../src/codec/avro-codecs.ts'
import { avro } from '../../../src/codec/avro.ts'
import { memorySchemaRegistry } from '../../../src/codec/memory-registry.ts'
import type { SchemaRegistry } from '../../../src/codec/registry.ts'
import { schemaIdOf } from '../../../src/codec/wire-format.ts'
import { createRandom } from '../../../src/core/random.ts'
import type { ProducedRecord } from '../../../src/kafka/types.ts'
import { isAvroFormat } from '../../../src/streams/dsl/format.ts'
import type { TopicDeclaration } from '../../../src/streams/dsl/topic.ts'
import { unpackRecordedLog, type RecordedLog } from '../../../src/streams/testing/recorded-log.ts'

const folder = new URL('../../fixtures/logs/', import.meta.url)

/** The logs of each release that recorded them. */
export const recordedLogs = (): { readonly version: string; readonly log: RecordedLog }[] =>
  readdirSync(folder).map(version => ({
    version,
    log: unpackRecordedLog(readFileSync(new URL(`${version}/log.jsonl.gz`, folder))),
  }))

/** A registry that knows what the recorded values were written with. */
export const registryOf = ({ schemas }: RecordedLog): SchemaRegistry => memorySchemaRegistry(schemas)

export const recordsOf = (log: RecordedLog, topic: { readonly name: string }): ProducedRecord[] =>
  log.records.filter(record => record.topic === topic.name)

export const partitionsOf = (log: RecordedLog): number => {
  const counts = [...new Set(Object.values(log.partitions))]
  if (counts.length !== 1)
    throw new Error(`the driver has one number of partitions, the logs ${counts.join()}`)
  return counts[0] ?? 1
}

/** Pieces of at most `size`, some shorter. */
export const piecesOf = <T>(items: readonly T[], size: number, seed: number): T[][] => {
  const random = createRandom(seed)
  const pieces: T[][] = []
  for (let from = 0; from < items.length;) {
    const length = 1 + Math.floor(random() * size)
    pieces.push(items.slice(from, from + length))
    from += length
  }
  return pieces
}

/** The records in another sequence, each partition's own kept: the next one is of a partition drawn by lot. */
export const interleave = (records: readonly ProducedRecord[], seed: number): ProducedRecord[] => {
  const random = createRandom(seed)
  const waiting = Map.groupBy(records, ({ partition }) => partition)
  const mixed: ProducedRecord[] = []
  while (waiting.size > 0) {
    const partition = [...waiting.keys()][Math.floor(random() * waiting.size)] ?? 0
    const [next, ...rest] = waiting.get(partition) ?? []
    if (next !== undefined) mixed.push(next)
    if (rest.length === 0) waiting.delete(partition)
    else waiting.set(partition, rest)
  }
  return mixed
}

/** How records of a topic are compared: as bytes where all were written with the present schema, else as that reads them. */
export const readerOf = async <T>(log: RecordedLog, topic: TopicDeclaration<string, T>) => {
  if (!isAvroFormat(topic.value)) throw new Error(`${topic.name} is not Avro`)
  const registry = registryOf(log)
  const codecs = new AvroCodecs(registry)
  const type = avro<T>(`${topic.name}-value`, topic.value.schema)
  const values = recordsOf(log, topic).flatMap(({ value }) => value ?? [])
  await codecs.prepare([type])
  await codecs.load(codecs.missingIds(values))
  const serde = codecs.serde(type)
  const presentId = await registry.register(type.subject, type.schema)
  const asBytes = values.every(value => schemaIdOf(value) === presentId)
  const decode = ({ value }: ProducedRecord): T => serde.decode(value ?? Buffer.alloc(0))
  const show = (record: ProducedRecord): unknown => ({
    partition: record.partition,
    timestamp: record.timestamp,
    key: record.key?.toString('latin1'),
    value: asBytes ? record.value?.toString('latin1') : decode(record),
    headers: record.headers.map(([name, value]) => [name, value.toString('latin1')]),
  })
  /** Without its id: that of an order's end comes of whichever part of the order was the last to come. */
  const showEnd = (record: ProducedRecord): unknown =>
    show({ ...record, headers: record.headers.filter(([name]) => name !== 'id') })
  return { asBytes, decode, show, showEnd }
}

/** By the time of each partition's next record; each partition's own sequence is kept. */
const mergeByTime = (records: readonly ProducedRecord[]): ProducedRecord[] => {
  const queues = [...Map.groupBy(records, ({ partition }) => partition).values()].map(queue => [...queue])
  const merged: ProducedRecord[] = []
  for (;;) {
    const open = queues.filter(queue => queue.length > 0)
    if (open.length === 0) return merged
    const timeOf = ([head]: ProducedRecord[]): number => head?.timestamp ?? 0
    const earliest = open.reduce((one, other) => (timeOf(other) < timeOf(one) ? other : one))
    const head = earliest.shift()
    if (head !== undefined) merged.push(head)
  }
}

/**
 * The outbox in runs: within one, any sequence of partitions ends the same. An adjustment is a run of its own, since what it brings
 * was sold only once the ledger had it; so is an order that holds no reservation, since the ledger's sequence decides who gets
 * the last units.
 */
export const causalRuns = (
  records: readonly ProducedRecord[],
  decode: (record: ProducedRecord) => OutboxEnvelope,
): ProducedRecord[][] => {
  const runs: ProducedRecord[][] = [[]]
  for (const record of mergeByTime(records)) {
    const row = record.value === null ? undefined : decode(record).after
    const holds = row?.type !== 'StockAdjusted' && !/"generation":\s*null/.test(row?.payload ?? '')
    if (holds) runs.at(-1)?.push(record)
    else runs.push([record], [])
  }
  return runs.filter(run => run.length > 0)
}
