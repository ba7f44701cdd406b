import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import { AvroCodecs } from '../../../src/codec/avro-codecs.ts'
import { avro } from '../../../src/codec/avro.ts'
import { httpSchemaRegistry } from '../../../src/codec/http-registry.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { silentLogger, type Logger } from '../../../src/core/log.ts'
import { partitionFor } from '../../../src/kafka/partitioner.ts'
import { connectKafka } from '../../../src/kafka/platformatic.ts'
import type { ConsumedRecord } from '../../../src/kafka/types.ts'
import type { Topology } from '../../../src/streams/dsl/index.ts'
import { StreamWorker } from '../../../src/streams/runtime/worker.ts'
import { movementV1, movementV2, type MovementV1, type MovementV2, type TotalV1 } from './account-releases.ts'
import { stack } from './stack.ts'

const partitions = 3
const accounts = Array.from({ length: 8 }, (_, index) => `account-${index}`)

interface StartOptions {
  readonly registryUrl?: string
  readonly log?: Logger
}

/** Workers, producers and a reader of one of the topologies in account-releases.ts; each with codecs of its own, like a process. */
export const openAccountPrograms = async (name: string) => {
  const [input, output] = [`${name}-movements`, `${name}-totals`]
  const kafka = connectKafka({ brokers: [stack.kafka], clientId: name })
  const admin = kafka.admin()
  await admin.ensureTopics([input, output].map(topic => ({ name: topic, partitions })))
  const stops: (() => Promise<void>)[] = []
  const expected = new Map<string, number>()
  const records: ConsumedRecord[] = []
  const next = new Map<number, number>()

  const codecsAt = (registryUrl: string): AvroCodecs =>
    new AvroCodecs(httpSchemaRegistry({ baseUrl: registryUrl }))

  const serdeOf = async <T>(topic: string, schema: object) => {
    const codecs = codecsAt(stack.registry)
    const type = avro<T>(`${topic}-value`, schema)
    await codecs.prepare([type])
    return { codecs, serde: codecs.serde(type) }
  }

  const start = (flow: Topology, instanceId: string, options: StartOptions = {}) => {
    const { registryUrl = stack.registry, log = silentLogger } = options
    const abort = new AbortController()
    const worker = new StreamWorker({
      topology: flow,
      kafka,
      codecs: codecsAt(registryUrl),
      clock: systemClock,
      log,
      instanceId,
    })
    const done = worker.run(abort.signal)
    const stop = (): Promise<void> => {
      abort.abort(new Error('stopped by the test'))
      return done
    }
    stops.push(stop)
    const hasTasks = async (count: number): Promise<void> => {
      const look = (): unknown => {
        const { state, tasks } = worker.status()
        return [state, tasks.length]
      }
      await expect.poll(look, { timeout: 40_000 }).toEqual(['running', count])
    }
    return { worker, done, stop, hasTasks }
  }

  const send = async (values: readonly Buffer[]): Promise<void> => {
    const producer = kafka.transactionalProducer(`${name}-${randomUUID()}`)
    await producer.init()
    await producer.send(
      values.map((value, index) => {
        const key = Buffer.from(`key-${index % 11}`)
        const partition = partitionFor(key, partitions)
        return { topic: input, partition, timestamp: 1_000 + index, key, value, headers: [] }
      }),
    )
    expect(await producer.commit()).toBe('committed')
    await producer.close()
  }

  /** Sends an amount for every account, five times. */
  const move = async (amount: number, encode: (account: string) => Buffer): Promise<void> => {
    const many = Array.from({ length: 5 }, () => accounts).flat()
    await send(many.map(encode))
    for (const account of many) expected.set(account, (expected.get(account) ?? 0) + amount)
  }

  const moveV1 = async (amount: number): Promise<void> => {
    const { serde } = await serdeOf<MovementV1>(input, movementV1)
    await move(amount, account => serde.encode({ account, amount, memo: 'old', detail: 'told' }))
  }

  const moveV2 = async (amount: number): Promise<void> => {
    const { serde } = await serdeOf<MovementV2>(input, movementV2)
    const detail = Buffer.from('told')
    await move(amount, account =>
      serde.encode({ account, amount, note: 'new', detail, at: 1_764_000_000_000 }),
    )
  }

  /** Reads on until the totals are those of all that was moved, as a program that knows one version of them. */
  const totalsAreRight = async (schema: object): Promise<void> => {
    const { codecs, serde } = await serdeOf<TotalV1>(output, schema)
    const log = kafka.reader()
    const start = Array.from({ length: partitions }, (_, partition) => partition)
    log.assign(start.map(partition => ({ topic: output, partition, offset: next.get(partition) ?? 0 })))
    const last = async (): Promise<Record<string, number>> => {
      await codecs.load(codecs.missingIds(records.map(({ value }) => value)))
      return Object.fromEntries(
        records.map(({ key, value }) => [String(key), serde.decode(value as Buffer).total]),
      )
    }
    await expect
      .poll(
        async () => {
          for (const record of await log.poll(1_000, 100)) {
            records.push(record)
            next.set(record.partition, record.offset + 1)
          }
          return last()
        },
        { timeout: 60_000, interval: 0 },
      )
      .toEqual(Object.fromEntries(expected))
    await log.close()
  }

  /** Of the workers' group, in the topic of the movements; -1 where there is none. */
  const committed = async (): Promise<number[]> => {
    const places = Array.from({ length: partitions }, (_, partition) => ({ topic: input, partition }))
    return (await admin.committedOffsets(name, places)).map(({ offset }) => offset)
  }

  return {
    start,
    committed,
    moveV1,
    moveV2,
    totalsAreRight,
    /** Movements sent, and totals that were read. */
    counts: () => ({ totals: records.length }),
    movementsPerMove: 5 * accounts.length,
    close: async () => {
      await Promise.allSettled(stops.map(stop => stop()))
      await kafka.close()
    },
  }
}
