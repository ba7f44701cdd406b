import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { filter, map } from 'rxjs'
import { AvroCodecs } from '../../src/codec/avro-codecs.ts'
import { httpSchemaRegistry } from '../../src/codec/http-registry.ts'
import { utf8 } from '../../src/codec/serde.ts'
import { systemClock } from '../../src/core/clock.ts'
import { silentLogger } from '../../src/core/log.ts'
import { partitionFor } from '../../src/kafka/partitioner.ts'
import { connectKafka } from '../../src/kafka/platformatic.ts'
import type { ConsumedRecord, Kafka } from '../../src/kafka/types.ts'
import {
  avroFormat,
  from,
  mapValue,
  process,
  repartition,
  store,
  to,
  topic,
  topology,
  withKey,
} from '../../src/streams/dsl/index.ts'
import { StreamWorker } from '../../src/streams/runtime/worker.ts'
import { stack } from './support/stack.ts'

const wordSchema = { type: 'record', name: 'Word', fields: [{ name: 'word', type: 'string' }] }
const countSchema = { type: 'record', name: 'WordCount', fields: [{ name: 'count', type: 'long' }] }

/** A word count: one repartition, one store, names of its own for each test. */
const wordCount = () => {
  const suffix = randomUUID().slice(0, 8)
  const word = avroFormat<{ word: string }>(wordSchema)
  const input = topic(`words-${suffix}`, { key: utf8, value: word, partitions: 3 })
  const output = topic(`counts-${suffix}`, {
    key: utf8,
    value: avroFormat<{ count: number }>(countSchema),
    partitions: 2,
  })
  const counts = store('counts', { key: utf8, value: avroFormat<{ count: number }>(countSchema) })
  const flow = topology(`count-${suffix}`, {
    counted: from(input).pipe(
      filter(m => m.value.word !== ''),
      map(m => withKey(m, m.value.word)),
      repartition('by-word', { key: utf8, value: word }),
      process('count', { counts }, (m, { counts: store }) => {
        const count = (store.get(m.key)?.count ?? 0) + 1
        store.put(m.key, { count })
        return [{ count }]
      }),
      mapValue(count => count),
      to(output),
    ),
  })
  return { flow, input, output }
}

const encodeWord = async (codecs: AvroCodecs, topicName: string) => {
  const { avro } = await import('../../src/codec/avro.ts')
  const type = avro<{ word: string }>(`${topicName}-value`, wordSchema)
  await codecs.prepare([type])
  return codecs.serde(type)
}

describe('a worker on a real broker', () => {
  let kafka: Kafka
  let codecs: AvroCodecs
  const running: { stop: AbortController; done: Promise<void> }[] = []

  beforeAll(() => {
    kafka = connectKafka({ brokers: [stack.kafka], clientId: 'worker-test' })
    codecs = new AvroCodecs(httpSchemaRegistry({ baseUrl: stack.registry }))
  })
  afterAll(async () => {
    for (const { stop } of running) stop.abort(new Error('test ended'))
    await Promise.allSettled(running.map(({ done }) => done))
    await kafka.close()
  })

  const start = (flow: ReturnType<typeof wordCount>['flow'], instanceId: string) => {
    const stop = new AbortController()
    const worker = new StreamWorker({
      topology: flow,
      kafka,
      codecs,
      clock: systemClock,
      log: silentLogger,
      instanceId,
    })
    const done = worker.run(stop.signal)
    running.push({ stop, done })
    return { worker, stop: () => (stop.abort(new Error('stopped by the test')), done) }
  }

  const create = async ({ input, output }: ReturnType<typeof wordCount>) => {
    await kafka.admin().ensureTopics([input, output].map(({ name, partitions }) => ({ name, partitions })))
  }

  const say = async ({ input }: ReturnType<typeof wordCount>, words: readonly string[]) => {
    const serde = await encodeWord(codecs, input.name)
    const producer = kafka.transactionalProducer(`say-${randomUUID()}`)
    await producer.init()
    await producer.send(
      words.map((word, index) => {
        const key = Buffer.from(`speaker-${index % 7}`)
        return {
          topic: input.name,
          partition: partitionFor(key, 3),
          timestamp: 1_000 + index,
          key,
          value: serde.encode({ word }),
          headers: [],
        }
      }),
    )
    expect(await producer.commit()).toBe('committed')
    await producer.close()
  }

  /** Reads counts until every word has reached what is expected; returns all records seen. */
  const readCounts = async (
    { output }: ReturnType<typeof wordCount>,
    expected: ReadonlyMap<string, number>,
  ) => {
    const { avro } = await import('../../src/codec/avro.ts')
    const type = avro<{ count: number }>(`${output.name}-value`, countSchema)
    await codecs.prepare([type])
    const serde = codecs.serde(type)
    const reader = kafka.reader()
    reader.assign([0, 1].map(partition => ({ topic: output.name, partition, offset: 0 })))
    const seen: ConsumedRecord[] = []
    const last = new Map<string, number>()
    while ([...expected].some(([word, count]) => (last.get(word) ?? 0) < count)) {
      for (const record of await reader.poll(1_000, 1_000)) {
        seen.push(record)
        last.set(String(record.key), serde.decode(record.value as Buffer).count)
      }
    }
    await reader.close()
    return seen.map(record => `${String(record.key)}:${serde.decode(record.value as Buffer).count}`)
  }

  it('counts exactly once through a repartition, and goes on after a restart with its state', async () => {
    const test = wordCount()
    await create(test)
    const first = start(test.flow, 'a')
    await say(
      test,
      Array.from({ length: 300 }, (_, index) => `word-${index % 10}`),
    )
    const expected = new Map(Array.from({ length: 10 }, (_, index) => [`word-${index}`, 30]))
    await readCounts(test, expected)
    await first.stop()

    const second = start(test.flow, 'a')
    await say(
      test,
      Array.from({ length: 100 }, (_, index) => `word-${index % 10}`),
    )
    for (const word of expected.keys()) expected.set(word, 40)
    const seen = await readCounts(test, expected)
    expect(new Set(seen).size).toBe(400)
    expect(seen).toHaveLength(400)
    expect(second.worker.status().restoredRecords).toBeGreaterThan(0)
    await second.stop()
  })

  it('shares its tasks with a second worker and takes them back, without losing or doubling a record', async () => {
    const test = wordCount()
    await create(test)
    const first = start(test.flow, 'a')
    await say(
      test,
      Array.from({ length: 200 }, (_, index) => `word-${index % 10}`),
    )
    const second = start(test.flow, 'b')
    await expect.poll(() => second.worker.status().tasks.length, { timeout: 20_000 }).toBe(3)
    await expect.poll(() => first.worker.status().tasks.length, { timeout: 20_000 }).toBe(3)
    await say(
      test,
      Array.from({ length: 200 }, (_, index) => `word-${index % 10}`),
    )
    await expect.poll(() => first.worker.status().state, { timeout: 20_000 }).toBe('running')
    await first.stop()
    await say(
      test,
      Array.from({ length: 200 }, (_, index) => `word-${index % 10}`),
    )
    const expected = new Map(Array.from({ length: 10 }, (_, index) => [`word-${index}`, 60]))
    const seen = await readCounts(test, expected)
    expect(seen).toHaveLength(600)
    expect(new Set(seen).size).toBe(600)
    await expect.poll(() => second.worker.status().tasks.length, { timeout: 20_000 }).toBe(6)
    await second.stop()
  })
})
