import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openCassandra, openKafka, openPostgres, openRegistry } from '../../src/app/adapters.ts'
import type { Cassandra } from '../../src/cassandra/client.ts'
import type { OrderSystem } from '../../src/cli/demo/system.ts'
import { renderTrace } from '../../src/cli/render-trace.ts'
import { itemJson, renderItem } from '../../src/cli/tail-topics.ts'
import { AvroCodecs } from '../../src/codec/avro-codecs.ts'
import { systemClock } from '../../src/core/clock.ts'
import { newId } from '../../src/core/ids.ts'
import { silentLogger } from '../../src/core/log.ts'
import { createOrdersRepository } from '../../src/orders/orders-repository.ts'
import type { Order } from '../../src/orders/order.ts'
import { createStockReader } from '../../src/orders/stock-reader.ts'
import { traceOrder } from '../../src/orders/trace/trace-order.ts'
import type { OrderTrace } from '../../src/orders/trace/types.ts'
import { getState, scanState, type StateSources } from '../../src/streams/inspect/state/read-state.ts'
import { tailTopics, type TailItem, type TailOptions } from '../../src/streams/inspect/tail/tail-topics.ts'
import { ValueDecoder } from '../../src/streams/inspect/values/value-decoder.ts'
import { orders } from '../../topology/orders.ts'
import { send } from './support/shop.ts'
import { sluice, type FailedCommand } from './support/sluice.ts'
import { stackConfig, startSystem } from './support/system.ts'

const kafka = openKafka(stackConfig, 'test-inspect')
const admin = kafka.admin()
const postgres = openPostgres(stackConfig, silentLogger)
const repository = createOrdersRepository(postgres)
const decoder = new ValueDecoder(new AvroCodecs(openRegistry(stackConfig)))
const garbageTopic = `inspect-garbage-${newId().slice(-12)}`
const run = newId().slice(-8)
const [plenty, scarce] = [`${run}-plenty`, `${run}-scarce`]
let cassandra: Cassandra
let system: OrderSystem
const signal = AbortSignal.timeout(90_000)

const sources: Omit<StateSources, 'onRead'> = { kafka, admin, decoder, clock: systemClock, signal }
const trace = (orderId: string): Promise<OrderTrace> =>
  traceOrder(orderId, { ...sources, postgres, cassandra: async () => cassandra })

/** Asks until a condition holds; the test's own timeout ends it. */
const until = async <T>(ask: () => Promise<T>, isTrue: (found: T) => boolean): Promise<T> => {
  for (;;) {
    const found = await ask()
    if (isTrue(found)) return found
    await systemClock.sleep(50, signal)
  }
}
const traced = (orderId: string): Promise<OrderTrace> =>
  until(
    () => trace(orderId),
    ({ complete }) => complete,
  )

const place = async (lines: readonly object[]): Promise<string> => {
  const answer = await send(`${system.apiUrl}/orders`, { customerId: 'c', lines })
  expect(answer.status).toBe(201)
  return String(answer.body['id'])
}

/** An order as no order service would accept it, in Postgres all the same. */
const commit = async (quantity: number, totalMinor: number): Promise<string> => {
  const line = { sku: scarce, quantity, amountMinor: 100, mode: 'lwt', generation: null } as const
  const order: Order = {
    id: newId(),
    customerId: 'c',
    status: 'created',
    lines: [line],
    totalMinor,
    createdAt: systemClock.now(),
  }
  await repository.commit(order, undefined)
  return order.id
}

const tailed = async (
  options: Pick<TailOptions, 'topics' | 'start'> & Partial<TailOptions>,
): Promise<TailItem[]> => {
  const items: TailItem[] = []
  for await (const item of tailTopics({ kafka, admin, decoder, follow: false, signal, ...options }))
    items.push(item)
  return items
}

beforeAll(async () => {
  system = await startSystem()
  cassandra = await openCassandra(stackConfig)
  for (const sku of [plenty, scarce]) {
    await send(`${system.apiUrl}/stock/${sku}/adjustments`, { quantity: 10, reason: 'initial' })
    const sellable = async (): Promise<string> => (await fetch(`${system.apiUrl}/stock/${sku}`)).text()
    await until(sellable, text => text.includes('"available":10'))
  }
})
afterAll(async () => {
  await system.stop()
  await admin.deleteTopics((await admin.listTopics()).filter(topic => topic === garbageTopic))
  await Promise.all([kafka.close(), postgres.close(), cassandra.close()])
})

describe('orders trace', () => {
  test('follows a confirmed order from its request to settlement, with times in order', async () => {
    const found = await traced(await place([{ sku: plenty, quantity: 2, unitPriceMinor: 50 }]))
    expect(found).toMatchObject({ status: 'confirmed', totalMinor: 100, deadLetters: [], notes: [] })
    const timed = found.steps.filter(({ at }) => at !== null)
    const flow = ['accepted', 'relayed', 'order-created', 'order-validated', 'order-confirmed']
    const ledger = ['line', 'reservation', 'sale', 'sale']
    // Times are those of three kinds of servers, in whole milliseconds: what happens at almost the same time has no order.
    expect(timed.map(({ step }) => step).toSorted()).toEqual(
      [...flow, ...ledger, 'reserved', 'committed', 'sold'].toSorted(),
    )
    expect(timed.map(({ step }) => step).filter(step => flow.includes(step))).toEqual(flow)
    expect(timed.map(({ step }) => step).filter(step => ledger.includes(step))).toEqual(ledger)
    expect(found.elapsedMs).toBeLessThan(60_000)
    expect(found.steps.filter(({ at }) => at === null).map(({ step }) => step)).toEqual(['history', 'status'])
    expect(renderTrace(found)).toMatch(/order-confirmed\[\d\]@\d+[^]*complete in/)
  })

  test('says why an order was rejected, by its rules or by the ledger', async () => {
    const [faulty, oversold] = [await commit(1, 99), await commit(11, 100)]
    const byRules = await traced(faulty)
    expect(byRules.status).toBe('rejected')
    expect(byRules.steps.map(({ step }) => step)).not.toContain('order-validated')
    expect(byRules.steps.find(({ step }) => step === 'order-rejected')?.text).toMatch(/total-mismatch/)
    const byLedger = await traced(oversold)
    expect(byLedger.steps.map(({ step }) => step)).toContain('refusal')
    expect(byLedger.steps.find(({ step }) => step === 'order-rejected')?.text).toMatch(/oversold/)
  })

  test('tells an abandoned id from an unknown one', async () => {
    const id = newId()
    await repository.abandonUnlessAccepted(id)
    expect(await trace(id)).toMatchObject({
      status: 'abandoned',
      complete: false,
      notes: [expect.stringContaining('given up')],
    })
    await expect(trace(newId())).rejects.toMatchObject({ code: 'SLUICE_TRACE_ORDER_UNKNOWN' })
    await expect(trace('85123A')).rejects.toMatchObject({ code: 'SLUICE_TRACE_ORDER_UNKNOWN' })
  })
})

describe('state', () => {
  test('is what the materializer wrote, for one key and for a range', async () => {
    await traced(await place([{ sku: plenty, quantity: 1, unitPriceMinor: 50 }]))
    const row = await createStockReader(cassandra, systemClock).ledger(plenty)
    const { entries, asOf } = await getState(
      sources,
      { topology: orders, store: 'stock-ledger' },
      Buffer.from(plenty),
    )
    const { onHand, reserved, sold, version } = row ?? {}
    expect(entries).toMatchObject([{ value: { value: { onHand, reserved, sold, version } } }])
    expect(asOf).toHaveLength(1)
    const range = { prefix: Buffer.from(run) }
    const scan = await scanState(sources, { topology: orders, store: 'stock-ledger' }, range, { limit: 1 })
    expect(scan).toMatchObject({ keys: 2, entries: [{ key: { value: plenty } }] })
  })

  test('finds a key that lies in another partition than its own, and none that is not there', async () => {
    const store = { topology: orders, store: 'stock-entries' }
    const { entries } = await scanState(sources, store, { prefix: Buffer.from(`${plenty}|`) })
    expect(entries.length).toBeGreaterThan(1)
    for (const { key, partition } of entries) {
      const text = key.kind === 'text' ? key.value : ''
      expect((await getState(sources, store, Buffer.from(text))).entries).toMatchObject([{ partition }])
    }
    const none = await getState(sources, store, Buffer.from('none'))
    expect(none).toMatchObject({ entries: [], deleted: null })
    expect(none.asOf).toHaveLength(4)
  })
})

describe('topics tail', () => {
  test('decodes values by the schema they were written with', async () => {
    const id = await place([{ sku: plenty, quantity: 1, unitPriceMinor: 50 }])
    await traced(id)
    const items = await tailed({
      topics: ['order-created', 'order-confirmed'],
      start: { kind: 'start' },
      key: Buffer.from(id),
    })
    const shown = items.map(item => JSON.parse(itemJson(item, {})) as { topic: string })
    expect(shown.toSorted((left, right) => (left.topic < right.topic ? -1 : 1))).toMatchObject([
      { topic: 'order-confirmed', key: id, value: { orderId: id, totalMinor: 50 } },
      { topic: 'order-created', key: id, value: { orderId: id, totalMinor: 50 } },
    ])
  })

  test('goes on past what cannot be decoded, escapes what steers a terminal, and marks what is not committed', async () => {
    await admin.ensureTopics([{ name: garbageTopic, partitions: 1 }])
    const producer = kafka.transactionalProducer(`test-inspect-${newId()}`)
    await producer.init()
    const write = (value: Buffer) =>
      producer.send([
        {
          topic: garbageTopic,
          partition: 0,
          timestamp: 1,
          key: Buffer.from('k\u001b[2J'),
          value,
          headers: [],
        },
      ])
    await write(Buffer.from([0, 0, 0, 0, 1]))
    await write(Buffer.from([0xff]))
    await write(Buffer.from('text'))
    await producer.commit()
    await write(Buffer.from('gone'))
    await producer.abort()
    await write(Buffer.from('open'))
    const topics = [garbageTopic]
    const lines = (await tailed({ topics, start: { kind: 'last', count: 2 } })).map(item =>
      renderItem(item, {}),
    )
    expect(lines).toHaveLength(2)
    expect(lines[0]).toContain('k\\u001b[2J  0xff  (neither')
    expect(lines[1]).toMatch(/text$/)
    const all = await tailed({ topics, start: { kind: 'start' }, uncommitted: true })
    // A record may have been shown before its transaction's end was read; that is told when it comes.
    const states = new Map<number, string>()
    for (const item of all) {
      if ('shown' in item) states.set(item.shown.record.offset, item.shown.state)
      else for (const offset of item.ended.offsets) states.set(offset, item.ended.outcome)
    }
    expect([...states.values()]).toEqual(['committed', 'committed', 'committed', 'aborted', 'open'])
    await producer.abort()
  })
})

describe('as a program', () => {
  /** Exit code, and what was printed: an error where there is one. */
  const ended = async (...args: readonly string[]): Promise<readonly [code: number, printed: unknown]> => {
    const [code, text] = await sluice([...args, '--json']).then(
      stdout => [0, stdout] as const,
      ({ code, stdout, stderr }: FailedCommand) => [code, stdout.length > 0 ? stdout : stderr] as const,
    )
    return [code, JSON.parse(String(text))]
  }

  test('state get, topics tail and orders trace print what there is, and say what is not', async () => {
    const id = await place([{ sku: plenty, quantity: 1, unitPriceMinor: 50 }])
    await traced(id)
    const { onHand, reserved, sold } = (await createStockReader(cassandra, systemClock).ledger(plenty)) ?? {}
    expect(await ended('state', 'get', 'orders', 'stock-ledger', plenty)).toMatchObject([
      0,
      { store: 'stock-ledger', entries: [{ key: plenty, value: { onHand, reserved, sold } }], deleted: null },
    ])
    const tail = ['topics', 'tail', 'order-confirmed', '--from', 'start', '--no-follow', '--key', id]
    expect(await ended(...tail)).toMatchObject([
      0,
      { topic: 'order-confirmed', key: id, value: { orderId: id, totalMinor: 50 } },
    ])
    expect(await ended('orders', 'trace', id)).toMatchObject([
      0,
      { orderId: id, status: 'confirmed', complete: true, totalMinor: 50, deadLetters: [] },
    ])

    expect(await ended('state', 'get', 'orders', 'stock-ledger', `${run}-none`)).toMatchObject([
      1,
      { entries: [], deleted: null },
    ])
    expect(await ended('orders', 'trace', newId())).toMatchObject([
      1,
      { error: { code: 'SLUICE_TRACE_ORDER_UNKNOWN' } },
    ])
  })
})

test('a trace says what an order waits for', async () => {
  await system.processes.get('relay')?.stop()
  const id = await place([{ sku: plenty, quantity: 1, unitPriceMinor: 50 }])
  const found = await trace(id)
  expect(found).toMatchObject({ status: 'created', complete: false })
  expect(found.steps.at(-1)).toMatchObject({
    step: 'relayed',
    state: 'waiting',
    waitsFor: expect.stringContaining('is the relay running'),
  })
})
