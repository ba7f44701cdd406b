import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openCassandra, openKafka, openRegistry } from '../../src/app/adapters.ts'
import { runWorkers } from '../../src/app/worker.ts'
import type { Cassandra } from '../../src/cassandra/client.ts'
import { environmentOf } from '../../src/cli/demo/system.ts'
import { migrateServers } from '../../src/cli/migrate.ts'
import {
  compareKnownReplay,
  dropKnownReplay,
  listReplays,
  switchReplay,
} from '../../src/cli/replay/manage.ts'
import { runReplayCommand } from '../../src/cli/replay/run.ts'
import { AvroCodecs } from '../../src/codec/avro-codecs.ts'
import { systemClock } from '../../src/core/clock.ts'
import { silentLogger } from '../../src/core/log.ts'
import { partitionFor } from '../../src/kafka/partitioner.ts'
import type { ConsumedRecord, Kafka, KafkaAdmin } from '../../src/kafka/types.ts'
import { createMaterializer } from '../../src/orders/materializer.ts'
import { createStockReader } from '../../src/orders/stock-reader.ts'
import { createViewRoutes } from '../../src/orders/view-routing.ts'
import { partitionsOf } from '../../src/replay/run.ts'
import { readStanding } from '../../src/replay/standing.ts'
import { scanPartition } from '../../src/replay/read-log.ts'
import { brokerTopicName, type Topology } from '../../src/streams/dsl/graph.ts'
import { bindFormats } from '../../src/streams/engine/bound-formats.ts'
import { materializer } from '../../topology/materializer.ts'
import { orders } from '../../topology/orders.ts'
import { outboxEvent } from '../../topology/topics.ts'
import type { OrderConfirmed, StockUpdate } from '../../schemas/types.ts'
import { adjusted, order, outboxRow } from '../topology/support/outbox.ts'
import { stackConfig } from './support/system.ts'

// Replays of what this file orders, on real servers. Orders come into the outbox topic directly: what is rebuilt begins there.

const run = randomUUID().slice(0, 6)
const id = (name: string): string => `${name}${run}`
const skus = Array.from({ length: 6 }, (_, index) => `replay-${run}-${index}`)
const keyspace = stackConfig.keyspace
const confirmed = { live: true, confirm: keyspace }
const quietly = (): void => {}

let kafka: Kafka
let admin: KafkaAdmin
let cassandra: Cassandra
const stop = new AbortController()
let workers: Promise<void>

const replay = (target: string, flags: Parameters<typeof runReplayCommand>[1]) =>
  runReplayCommand(target, flags, quietly, stop.signal)

const switchTo = (name: string, flags: Parameters<typeof switchReplay>[1]) =>
  switchReplay(name, flags, stop.signal)

const codecs = (): AvroCodecs => new AvroCodecs(openRegistry(stackConfig))

/** Writes outbox events as the relay does, and waits until live has finished with them. */
const sell = async (payloads: readonly Parameters<typeof outboxRow>[0][]): Promise<void> => {
  const serde = (await bindFormats(orders, codecs())).topic(outboxEvent.name)
  const producer = kafka.transactionalProducer(`replay-test-${randomUUID()}`)
  await producer.init()
  await producer.send(
    payloads.map(payload => {
      const row = outboxRow(payload)
      const key = serde.key.encode(row.after?.aggregateid)
      return {
        topic: outboxEvent.name,
        partition: partitionFor(key, outboxEvent.partitions),
        timestamp: systemClock.now(),
        key,
        value: serde.value.encode(row),
        headers: [['id', Buffer.from(row.after?.id ?? '')] as const],
      }
    }),
  )
  await producer.commit()
  await producer.close()
  await quiet()
}

/** Until both live topologies have read all that is written, committed yet or not. */
const quiet = async (): Promise<void> => {
  const deadlineMs = systemClock.now() + 90_000
  const isQuiet = async (topology: Topology): Promise<boolean> => {
    const topics = topology.subTopologies.flatMap(({ sourceTopics }) =>
      sourceTopics.map(topic => brokerTopicName(topology, topic)),
    )
    const own = await partitionsOf(admin, topics)
    const standing = await readStanding(admin, topology.name, { live: [], own }, { starts: [], ends: [] })
    return standing.isEnded
  }
  while (!((await isQuiet(orders)) && (await isQuiet(materializer)))) {
    if (systemClock.now() > deadlineMs) throw new Error('live is not quiet')
    await systemClock.sleep(100)
  }
}

const placed = (count: number) =>
  Array.from({ length: count }, (_, index) =>
    order(
      randomUUID(),
      [index, index + 1].map(seed => ({
        sku: skus[seed % skus.length] as string,
        quantity: 1 + (index % 3),
        amountMinor: 100,
        mode: 'lwt',
        generation: 0,
      })),
    ),
  )

const recordsIn = async (topic: string): Promise<readonly ConsumedRecord[]> => {
  const [described] = await admin.describeTopics([topic])
  const records: ConsumedRecord[] = []
  for (let partition = 0; partition < (described?.partitions ?? 0); partition++) {
    const scan = await scanPartition(kafka, admin, { topic, partition })
    for (let next = await scan.next(); next !== undefined; next = await scan.next()) records.push(...next)
    await scan.close()
  }
  return records
}

/** Appends one altered copy of a record that is there. */
const plant = async (topic: string, record: ConsumedRecord): Promise<void> => {
  const producer = kafka.transactionalProducer(`replay-plant-${randomUUID()}`)
  await producer.init()
  await producer.send([{ ...record, topic, timestamp: record.timestamp + 1 }])
  await producer.commit()
  await producer.close()
}

const replayTopics = async (): Promise<string[]> =>
  (await admin.listTopics()).filter(topic => topic.includes('-replay-') && topic.includes(run))

beforeAll(async () => {
  Object.assign(process.env, environmentOf(stackConfig))
  await migrateServers(stackConfig, 1)
  kafka = openKafka(stackConfig, 'replay-test')
  admin = kafka.admin()
  cassandra = await openCassandra(stackConfig)
  const routes = createViewRoutes(cassandra)
  const live = createMaterializer({ cassandra, targets: async () => (await routes.read()).attached })
  workers = runWorkers({
    topologies: [orders, materializer],
    config: stackConfig,
    instanceId: 'replay-test',
    effects: {
      'materialize-stock': messages => live.materialize(messages.map(({ value }) => value as StockUpdate)),
    },
    log: silentLogger,
    signal: stop.signal,
  })
  await sell(skus.map(sku => adjusted(randomUUID(), sku, 1_000)))
  await sell(placed(60))
})

afterAll(async () => {
  for (const { plan } of await listReplays()) {
    if (!plan.id.endsWith(run)) continue
    if ((await createViewRoutes(cassandra).read()).active === plan.keyspace)
      await switchTo(plan.id, { ...confirmed, back: true })
    await dropKnownReplay(plan.id, confirmed)
  }
  stop.abort()
  await workers
  await cassandra.close()
  await admin.close()
  await kafka.close()
})

describe('the ledger', () => {
  test('a dry run writes nothing', async () => {
    const { report } = await replay('ledger', { id: id('d'), dryRun: true })
    expect(report).toBeUndefined()
    expect(await replayTopics()).toEqual([])
  })

  test('is equal to live, and stays so when it catches up', async () => {
    const first = await replay('ledger', { id: id('l') })
    expect(first.report).toMatchObject({ isEnded: true, deadLetters: 0 })
    expect(await compareKnownReplay(id('l'))).toMatchObject({ isEqual: true, notes: [] })

    await sell(placed(5))
    const behind = await compareKnownReplay(id('l'))
    expect(behind.isEqual).toBe(true)
    expect(behind.parts[0]).toMatchObject({ where: 'stock-update', undecided: 20 })

    const { wasBegun, report } = await replay('ledger', { id: id('l') })
    expect([wasBegun, report?.records]).toEqual([true, 20])
    const { parts, isEqual, notes } = await compareKnownReplay(id('l'))
    expect([isEqual, notes]).toEqual([true, []])
    expect(parts.map(({ undecided, equal }) => [undecided, equal > 0])).toEqual([
      [0, true],
      [0, true],
      [0, true],
    ])
  })

  test('killed half-way it goes on, and doubles nothing', async () => {
    const name = id('k')
    const main = resolve(import.meta.dirname, '../../src/cli/main.ts')
    const child = spawn(process.execPath, [main, 'replay', 'run', 'ledger', '--id', name, '--rate', '40'], {
      env: process.env,
      stdio: 'ignore',
    })
    const done = async (): Promise<number> =>
      (await listReplays()).find(({ plan }) => plan.id === name)?.standing.done ?? 0
    await expect.poll(done, { timeout: 60_000, interval: 200 }).toBeGreaterThan(30)
    const ended = new Promise(resolved => child.once('exit', (_, signal) => resolved(signal)))
    child.kill('SIGKILL')
    expect(await ended).toBe('SIGKILL')
    const standing = (await listReplays()).find(({ plan }) => plan.id === name)?.standing
    expect(standing?.isEnded).toBe(false)

    expect((await replay('ledger', { id: name })).report?.isEnded).toBe(true)
    const { isEqual, parts } = await compareKnownReplay(name)
    expect(isEqual).toBe(true)
    expect(parts.map(({ undecided }) => undecided)).toEqual([0, 0, 0])
  })

  test('with one altered record is not equal, and the record is named', async () => {
    const name = id('p')
    await replay('ledger', { id: name })
    for (const topic of ['stock-update', 'stock-ledger-changelog']) {
      const records = await recordsIn(`orders-replay-${name}-${topic}`)
      const last = records.findLast(({ key }) => String(key) === skus[2])
      await plant(`orders-replay-${name}-${topic}`, last as ConsumedRecord)
    }
    const { isEqual, parts } = await compareKnownReplay(name)
    expect(isEqual).toBe(false)
    const named = parts.flatMap(({ differences }) => differences.map(({ where, key }) => [where, key]))
    expect(named).toEqual([
      ['stock-update', skus[2]],
      ['stock-ledger (store)', skus[2]],
    ])
  })
})

describe('views', () => {
  const name = id('v')
  const views = `${keyspace}_replay_${name}`

  test('are equal to live, and one altered row is found', async () => {
    await replay('views', { id: name })
    expect(await compareKnownReplay(name)).toMatchObject({ isEqual: true })

    const planted = id('w')
    await replay('views', { id: planted })
    await cassandra.write({
      query: `UPDATE ${keyspace}_replay_${planted}.stock_state SET sold = ? WHERE sku = ?`,
      params: [9_999n, skus[1]],
    })
    const { isEqual, parts } = await compareKnownReplay(planted)
    expect(isEqual).toBe(false)
    expect(parts.flatMap(({ differences }) => differences)).toMatchObject([
      { where: 'stock_state', key: skus[1], message: expect.stringContaining('sold 9999 replayed') },
    ])
    await expect(switchTo(planted, confirmed)).rejects.toThrow(/is not equal to live/)
    expect((await createViewRoutes(cassandra).read()).active).toBe('')
    await dropKnownReplay(planted, {})
    expect((await listReplays()).map(({ plan }) => plan.id)).not.toContain(planted)
  })

  test('of what came since a time are partial, and equal to live as far as they go', async () => {
    const since = new Date(systemClock.now()).toISOString()
    await sell(placed(5))
    const { plan, report } = await replay('views', { id: id('t'), from: since })
    // Of each order two lines, each reserved and sold.
    expect([plan.isPartial, report?.records]).toEqual([true, 20])
    const { parts, isEqual, notes } = await compareKnownReplay(id('t'))
    expect(isEqual).toBe(true)
    expect(parts).toMatchObject([
      { where: 'stock_state', equal: skus.length, differences: [] },
      { where: 'stock_update', equal: 20, differences: [] },
    ])
    expect(parts[1]?.undecided).toBeGreaterThanOrEqual(240)
    expect(notes.join()).toMatch(/partial/)
  })

  test('can be switched to while orders come, and back', async () => {
    const routes = createViewRoutes(cassandra)
    await expect(switchTo(name, {})).rejects.toThrow(/was not confirmed; nothing was written/)
    await expect(switchTo(name, { live: true, confirm: 'other' })).rejects.toThrow(/not confirmed/)
    expect((await routes.read()).attached).toEqual([''])

    await sell(placed(3))
    const [switched] = await Promise.all([switchTo(name, confirmed), sell(placed(10))])
    expect(switched).toMatchObject({ active: views, comparison: { isEqual: true } })
    expect((await routes.read()).active).toBe(views)
    await sell(placed(5))
    const both = await compareKnownReplay(name)
    expect(both.isEqual).toBe(true)
    expect(both.parts.map(({ undecided }) => undecided)).toEqual([0, 0])
    const sku = skus[0] as string
    const reader = createStockReader(cassandra, systemClock)
    const read = await reader.ledger(sku)
    expect(read?.version).toBeGreaterThan(10)

    await expect(dropKnownReplay(name, confirmed)).rejects.toThrow(/readers read the tables/)
    await switchTo(name, { ...confirmed, back: true })
    await sell(placed(5))
    expect(await compareKnownReplay(name)).toMatchObject({ isEqual: true })
    await expect(dropKnownReplay(name, {})).rejects.toThrow(/not confirmed/)
    await dropKnownReplay(name, confirmed)
    // The reader still believes in what is gone, and a turn may be writing to it.
    await sell(placed(2))
    expect((await reader.ledger(sku))?.version).toBeGreaterThanOrEqual(read?.version ?? Infinity)
  })
})

describe('the whole flow', () => {
  test('comes to the same orders, stock and events', async () => {
    const name = id('o')
    const { report } = await replay('orders', { id: name, from: 'outbox' })
    expect(report).toMatchObject({ isEnded: true })
    // All orders in this stack are of what is plenty, or of more than there ever was: whose turn it is decides none of them.
    const { parts } = await compareKnownReplay(name)
    expect(parts.flatMap(({ differences }) => differences)).toEqual([])
    expect(parts[0]?.equal).toBeGreaterThanOrEqual(60)
    expect(parts[1]?.equal).toBeGreaterThanOrEqual(skus.length)
    expect(parts.map(({ undecided }) => undecided)).toEqual([0, 0, 0])

    const movement = (await recordsIn(`orders-replay-${name}-stock-movement`)).at(-1)
    const ended = (await recordsIn(`orders-replay-${name}-order-confirmed`)).at(-1)
    const { value } = (await bindFormats(orders, codecs())).topic('order-confirmed')
    const end = value.decode(ended?.value as Buffer) as OrderConfirmed
    const altered = value.encode({ ...end, confirmedAt: end.confirmedAt + 1 })
    await plant(`orders-replay-${name}-stock-movement`, movement as ConsumedRecord)
    await plant(`orders-replay-${name}-order-confirmed`, { ...(ended as ConsumedRecord), value: altered })
    const after = await compareKnownReplay(name)
    expect(after.isEqual).toBe(false)
    expect(after.parts.flatMap(({ differences }) => differences)).toMatchObject([
      { where: 'orders', key: end.orderId, message: 'is confirmed with another content' },
      { where: 'sets of events', key: expect.stringMatching(/^stock-movement /) as string },
    ])
  })
})

describe('guards', () => {
  test('topics and keyspaces that no replay made are left alone', async () => {
    const name = id('g')
    const topic = `orders-replay-${name}-stock-update`
    await admin.ensureTopics([{ name: topic, partitions: 1 }])
    await expect(replay('ledger', { id: name })).rejects.toThrow(/what is not its own/)
    expect(await replayTopics()).not.toContain(`orders-replay-${name}-plan`)
    await admin.deleteTopics([topic])

    await cassandra.define(
      `CREATE KEYSPACE ${keyspace}_replay_${name} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`,
    )
    await expect(replay('views', { id: name })).rejects.toThrow(/what is not its own/)
    await cassandra.define(`DROP KEYSPACE ${keyspace}_replay_${name}`)
  })

  test('state from the middle of a log is refused, unless it is wanted', async () => {
    const name = id('m')
    const from = 'offset:stock-movement-0=5'
    await expect(replay('ledger', { id: name, from })).rejects.toThrow(
      /state that was built before is missing/,
    )
    const { plan } = await replay('ledger', { id: name, from, partial: true })
    expect(plan.isPartial).toBe(true)
    const { parts, notes } = await compareKnownReplay(name)
    expect(parts.every(({ differenceCount }) => differenceCount === 0)).toBe(true)
    expect(notes.join()).toMatch(/partial/)
    await expect(replay('ledger', { id: name, from: 'start' })).rejects.toThrow(
      /was begun as ledger from offset/,
    )
    await expect(replay('views', { id: name })).rejects.toThrow(/was begun as ledger/)
  })
})
