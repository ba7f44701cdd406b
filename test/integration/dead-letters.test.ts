import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { avro } from '../../src/codec/avro.ts'
import { AvroCodecs } from '../../src/codec/avro-codecs.ts'
import { httpSchemaRegistry } from '../../src/codec/http-registry.ts'
import { totalLag, lagOf } from '../../src/cli/lag.ts'
import { systemClock } from '../../src/core/clock.ts'
import type { CrashPointName } from '../../src/core/crash-points.ts'
import { partitionFor } from '../../src/kafka/partitioner.ts'
import type { Header } from '../../src/kafka/types.ts'
import { letterIdText } from '../../src/streams/dead-letters/letter-id.ts'
import { earlierLetters } from '../../src/streams/dead-letters/history.ts'
import { DeadLetters, type ParkedLetter } from '../../src/streams/dead-letters/letters.ts'
import { dropLetters, retryLetters } from '../../src/streams/dead-letters/settle.ts'
import { shownBytes } from '../../src/streams/dead-letters/shown-bytes.ts'
import { codeOf } from '../../src/streams/engine/dead-letter.ts'
import { connect, readAll, unique, valuesOf } from './kafka-support.ts'
import { parkingFlow, partitions, saleSchema, type Sale } from './support/parking.ts'
import type { ParkingProcessSettings } from './support/parking-process.ts'
import { stack } from './support/stack.ts'

// Bad records of every kind on real servers, in workers that are killed (-9) while they park them; then what an operator does.

const program = fileURLToPath(new URL('support/parking-process.ts', import.meta.url))
const registry = httpSchemaRegistry({ baseUrl: stack.registry })
const kafka = connect()
const admin = kafka.admin()
const megabytes20 = 20_000_000

afterAll(() => kafka.close())

const running = new Set<() => Promise<void>>()
afterEach(async () => {
  for (const stop of running) await stop()
})

/** A process of its own; `dieAt` names the place where it kills itself. */
const start = (
  settings: Pick<ParkingProcessSettings, 'does' | 'suffix' | 'isMended'>,
  dieAt?: CrashPointName,
) => {
  const given: ParkingProcessSettings = { ...settings, kafka: stack.kafka, registry: stack.registry }
  const child = spawn(process.execPath, [program, JSON.stringify(given)], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, ...(dieAt !== undefined && { SLUICE_CRASH_AT: dieAt }) },
  })
  const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  const stop = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<void> => {
    running.delete(stop)
    if (child.exitCode === null && child.signalCode === null) child.kill(signal)
    await ended
  }
  running.add(stop)
  return { ended, stop }
}

const setUp = async (options: { readonly letterBytes?: number } = {}) => {
  const suffix = unique('p')
  const test = parkingFlow(suffix)
  const { flow, sales, checked } = test
  const { letterBytes } = options
  await admin.ensureTopics([
    { name: sales.name, partitions, config: { 'max.message.bytes': '25000000' } },
    { name: checked.name, partitions },
    ...(letterBytes === undefined
      ? []
      : [
          {
            name: `${flow.name}-dlq`,
            partitions,
            config: { 'max.message.bytes': String(letterBytes), 'retention.ms': '-1' },
          },
        ]),
  ])
  const codecs = new AvroCodecs(registry)
  const type = avro<Sale>(`${sales.name}-value`, saleSchema)
  await codecs.prepare([type])
  const serde = codecs.serde(type)
  const producer = kafka.transactionalProducer(unique('say'))
  await producer.init()
  return {
    ...test,
    suffix,
    letters: new DeadLetters(kafka, admin, flow),
    good: (sku: string, quantity = 1): Buffer => serde.encode({ sku, quantity }),
    send: async (key: string, values: readonly (Buffer | null)[], headers: readonly Header[] = []) => {
      const partition = partitionFor(Buffer.from(key), partitions)
      for (const [index, value] of values.entries())
        await producer.send([
          { topic: sales.name, partition, timestamp: 5_000 + index, key: Buffer.from(key), value, headers },
        ])
      expect(await producer.commit()).toBe('committed')
    },
    quiet: async () => {
      const lag = async (): Promise<number> => {
        const lags = await lagOf(admin, flow)
        // The worker creates it, and may have done so since the topics were listed.
        const isWhole = lags.some(({ topic }) => topic.endsWith('-repartition'))
        return isWhole ? totalLag(lags) : NaN
      }
      await expect.poll(lag, { timeout: 120_000, interval: 200 }).toBe(0)
    },
    output: async () =>
      valuesOf(
        await readAll(
          kafka,
          [0, 1].map(partition => ({ topic: checked.name, partition })),
        ),
      ),
  }
}

const allOf = async (letters: DeadLetters): Promise<ParkedLetter[]> => {
  const found: ParkedLetter[] = []
  for await (const parked of letters.all()) found.push(parked)
  return found
}

/** An id that the registry will give, but has not given yet; `become` makes it this schema's. */
const futureSchemaId = async () => {
  const dummy = (): string =>
    JSON.stringify({ type: 'record', name: `D${unique('d').replaceAll('-', '')}`, fields: [] })
  const id = (await registry.register(unique('dummy'), dummy())) + 3
  const become = async (schema: typeof saleSchema): Promise<void> => {
    while ((await registry.register(unique('dummy'), dummy())) < id - 1);
    // Equal schemas have one id: a field of its own, which takes no byte, makes this one new.
    const nothing = { name: unique('n').replaceAll('-', ''), type: 'null', default: null }
    const fields = [...schema.fields, nothing]
    expect(await registry.register(unique('known'), JSON.stringify({ ...schema, fields }))).toBe(id)
  }
  return { id, become }
}

const withSchemaId = (id: number, value: Buffer): Buffer => {
  const copy = Buffer.from(value)
  copy.writeUInt32BE(id, 1)
  return copy
}

const withMore = async (type: unknown, hex: string): Promise<Buffer> => {
  const fields = [...saleSchema.fields, { name: 'more', type }]
  const id = await registry.register(unique('bomb'), JSON.stringify({ ...saleSchema, fields }))
  return Buffer.concat([Buffer.from([0]), withId(id), Buffer.from(hex, 'hex')])
}

/** A body of few bytes that says that 30,000,000 items follow. */
const bomb = (items: 'null' | 'string'): Promise<Buffer> =>
  withMore({ type: 'array', items }, '000280c7ce1c00')

/** A sale within a sale, and so on; the innermost has none. */
const nested = (depth: number): Promise<Buffer> =>
  withMore(['null', saleSchema.name], `${'000202'.repeat(depth)}000200`)

const withId = (id: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(id)
  return bytes
}

describe('bad records of every kind', () => {
  it('are parked exactly once, whenever the worker is killed, and the partition goes on', async () => {
    const { suffix, flow, sales, letters, good, send, quiet, output } = await setUp()
    const unknown = 2_000_000_000
    const random = randomBytes(megabytes20)
    const bad: readonly (readonly [code: string, step: string, value: Buffer | null])[] = [
      ['SLUICE_CODEC_MALFORMED', `${sales.name}-source`, good('tea').subarray(0, 7)],
      ['SLUICE_SCHEMA_UNKNOWN', `${sales.name}-source`, withSchemaId(unknown, good('tea'))],
      [
        'SLUICE_CODEC_NOT_WIRE_FORMAT',
        `${sales.name}-source`,
        Buffer.concat([Buffer.from([7]), good('tea').subarray(1)]),
      ],
      ['SLUICE_STREAMS_VALUE_MISSING', `${sales.name}-source`, null],
      ['SLUICE_CODEC_SCHEMA_REFUSED', `${sales.name}-source`, await bomb('null')],
      ['SLUICE_CODEC_MALFORMED', `${sales.name}-source`, await bomb('string')],
      ['SLUICE_CODEC_MALFORMED', `${sales.name}-source`, await nested(5_000)],
      ['SLUICE_STREAMS_STEP_THREW', 'check-sale', good('tea', -1)],
      ['SLUICE_CODEC_MALFORMED', `${sales.name}-source`, Buffer.concat([good('tea').subarray(0, 5), random])],
    ]
    const values = bad.flatMap(([, , value], index) => [good(`good-${index}`), value])
    const own = [['id', Buffer.from('x-1')]] as const
    const dies = async (...places: readonly CrashPointName[]): Promise<void> => {
      for (const dieAt of places)
        expect(await start({ does: 'work', suffix }, dieAt).ended).toEqual([null, 'SIGKILL'])
    }
    // At each place of a commit, and once the broker has committed: what follows a death is the next process's affair.
    await send('teas', values.slice(0, -2), own)
    await dies('commit.after-send', 'commit.after-offsets', 'commit.after-end')
    await send('teas', [...values.slice(-2), good('twice', -2), good('last')], own)
    await dies('commit.after-send')
    const worker = start({ does: 'work', suffix })
    await quiet()
    await worker.stop()

    expect((await output()).toSorted()).toEqual(
      [...bad.map((_, index) => `good-${index}:1`), 'last:1'].toSorted(),
    )
    const parked = await allOf(letters)
    const fromSource = parked.filter(({ letter }) => letter.source.topic === sales.name)
    expect(fromSource.map(({ letter }) => [letter.code, letter.step])).toEqual(
      bad.map(([code, step]) => [code, step]),
    )
    for (const [index, { id, letter }] of fromSource.entries()) {
      const value = bad[index]?.[2] ?? null
      expect(letter.value === null ? value === null : letter.value.equals(value ?? Buffer.from('none'))).toBe(
        true,
      )
      expect(id.partition).toBe(letter.source.partition)
      expect(letter).toMatchObject({
        source: { topic: sales.name, partition: partitionFor(Buffer.from('teas'), partitions) },
        timestamp: 5_001 + (index === bad.length - 1 ? 0 : 2 * index),
        headers: own,
        leftOut: [],
        retryOf: undefined,
        task: `0_${id.partition}`,
      })
      expect(letter.exception).toContain(letter.message)
      expect(letter.stackTrace).not.toBe('')
    }
    // What fails behind a repartition is parked from there.
    const [behind, ...others] = parked.filter(({ letter }) => letter.source.topic !== sales.name)
    expect(others).toEqual([])
    expect(behind?.letter).toMatchObject({
      source: { topic: `${flow.name}-by-sku-repartition` },
      step: 'check-again',
      message: 'twice has -2',
    })
  }, 240_000)

  it('are parked without their value where the dead letter topic does not take it, and not retried', async () => {
    const { suffix, letters, good, send, quiet, output, flow } = await setUp({ letterBytes: 1_000_000 })
    await send('teas', [good('a'), randomBytes(megabytes20), good('b')])
    const worker = start({ does: 'work', suffix })
    await quiet()
    await worker.stop()
    expect(await output()).toEqual(expect.arrayContaining(['a:1', 'b:1']))
    const parked = await allOf(letters)
    expect(parked).toMatchObject([
      { letter: { value: null, leftOut: ['value'], valueBytes: megabytes20, source: { offset: 1 } } },
    ])
    const options = { kafka, admin, topology: flow, clock: systemClock, by: 'test' }
    await expect(retryLetters(options, { ids: parked.map(({ id }) => id) })).rejects.toMatchObject({
      code: 'SLUICE_DLQ_NOT_RETRIABLE',
      message: expect.stringContaining('its value was too large') as string,
    })
    expect(await retryLetters(options, { filter: {} })).toMatchObject({
      done: [],
      refused: [{ code: 'SLUICE_DLQ_NOT_RETRIABLE' }],
    })
  }, 240_000)
})

describe('a retry', () => {
  it('sends each letter once, whenever it is killed and however many run at the same time', async () => {
    const { suffix, letters, good, send, quiet, output, flow, sales } = await setUp()
    const skus = Array.from({ length: 40 }, (_, index) => `sku-${index}`)
    const own = [['id', Buffer.from('x-1')]] as const
    await send(
      'teas',
      skus.map((sku, index) => good(sku, index % 2 === 0 ? -1 : -2)),
      own,
    )
    const worker = start({ does: 'work', suffix })
    await quiet()
    expect(await output()).toEqual([])
    await worker.stop()
    const options = { kafka, admin, topology: flow, clock: systemClock, by: 'test' }

    expect(await start({ does: 'retry', suffix }, 'dead-letter.after-send').ended).toEqual([null, 'SIGKILL'])
    expect((await allOf(letters)).filter(({ status }) => status !== undefined)).toEqual([])
    const some = { filter: { step: 'check-sale' } }
    const races = await Promise.allSettled([
      retryLetters(options, some),
      retryLetters(options, some),
      retryLetters(options, some),
    ])
    const reasons = races.flatMap(race => (race.status === 'rejected' ? [codeOf(race.reason)] : []))
    expect(reasons.filter(code => code !== 'SLUICE_DLQ_BUSY')).toEqual([])
    // Whoever was fenced leaves the rest to a repetition; this one dies when all is committed.
    await start({ does: 'retry', suffix }, 'dead-letter.after-commit').ended
    expect(await retryLetters(options, { filter: {} })).toEqual({ done: [], refused: [] })
    expect((await allOf(letters)).map(({ status }) => status?.state)).toEqual(skus.map(() => 'retried'))

    const mended = start({ does: 'work', suffix, isMended: true })
    await quiet()
    await mended.stop()
    expect((await output()).toSorted()).toEqual(
      skus.map((sku, index) => `${sku}:${index % 2 === 0 ? -1 : -2}`).toSorted(),
    )
    const source = await readAll(
      kafka,
      [0, 1].map(partition => ({ topic: sales.name, partition })),
    )
    const again = source.filter(({ headers }) => headers.some(([name]) => name === 'sluice.retry-of'))
    expect(again).toHaveLength(skus.length / 2)
    expect(new Set(again.map(({ partition }) => partition)).size).toBe(1)
    expect(again.map(({ timestamp }) => timestamp)).toEqual(again.map((_, index) => 5_000 + 2 * index))
    expect(again[0]?.headers[0]).toEqual(own[0])
  }, 240_000)

  it('of a record that fails again is parked anew with its history; of one whose schema came late, it goes through', async () => {
    const { suffix, letters, good, send, quiet, output, flow } = await setUp()
    const late = await futureSchemaId()
    await send('teas', [withSchemaId(late.id, good('late'))])
    let worker = start({ does: 'work', suffix })
    await quiet()
    const options = { kafka, admin, topology: flow, clock: systemClock, by: 'test' }
    const [first] = await allOf(letters)
    if (first === undefined) throw new Error('nothing was parked')
    await retryLetters(options, { ids: [first.id, first.id] })
    await expect.poll(async () => (await allOf(letters)).length, { timeout: 60_000 }).toBe(2)
    await worker.stop()
    const second = (await allOf(letters)).find(({ status }) => status === undefined)
    if (second === undefined) throw new Error('it was not parked anew')
    expect(second.letter).toMatchObject({
      code: 'SLUICE_SCHEMA_UNKNOWN',
      retries: 1,
      retryOf: letterIdText(first.id),
    })
    expect(await earlierLetters(letters, second)).toMatchObject([
      { id: first.id, status: { state: 'retried' } },
    ])
    expect(await shownBytes(second.letter.value, registry)).toMatchObject({
      schemaId: late.id,
      why: expect.any(String) as string,
    })

    await expect(retryLetters(options, { ids: [second.id, first.id] })).rejects.toMatchObject({
      code: 'SLUICE_DLQ_SETTLED',
      message: expect.stringContaining(`${letterIdText(first.id)} was retried`) as string,
    })
    await expect(retryLetters(options, { ids: [{ ...first.id, offset: 99 }] })).rejects.toMatchObject({
      code: 'SLUICE_DLQ_LETTER_UNKNOWN',
    })

    await late.become(saleSchema)
    expect(await shownBytes(second.letter.value, registry)).toMatchObject({
      value: { sku: 'late', quantity: 1 },
    })
    worker = start({ does: 'work', suffix })
    // Dropped by mistake, and retried all the same.
    expect(await dropLetters(options, { ids: [second.id] }, 'a mistake')).toMatchObject({
      done: [letterIdText(second.id)],
    })
    expect(await retryLetters(options, { filter: {} })).toEqual({ done: [], refused: [] })
    expect(await retryLetters(options, { ids: [second.id] })).toMatchObject({ refused: [] })
    await expect.poll(output, { timeout: 60_000 }).toEqual(['late:1'])
    await quiet()
    await worker.stop()
    expect((await allOf(letters)).map(({ status }) => status?.state)).toEqual(['retried', 'retried'])
  }, 240_000)
})
