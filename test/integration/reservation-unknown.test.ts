import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { newId } from '../../src/core/ids.ts'
import { silentLogger } from '../../src/core/log.ts'
import { createReservations } from '../../src/orders/reservation/reservations.ts'
import type { ReservationOptions } from '../../src/orders/reservation/reservations.ts'
import type { Reservations } from '../../src/orders/reservation/types.ts'
import { createSettlement } from '../../src/orders/settlement.ts'
import { cassandraErrors, startCassandraFaultProxy } from '../../src/testing/index.ts'
import type { CassandraAnswer, CassandraFaultProxy, Fault, Injection } from '../../src/testing/index.ts'
import { createTestKeyspace } from './support/keyspace.ts'
import type { TestKeyspace } from './support/keyspace.ts'
import { stack } from './support/stack.ts'
import { initialStock, readBook, stockUpdate } from './support/stock-book.ts'

// Goal: a request or a reply of Cassandra that is lost, or late, neither loses nor doubles stock.
// Method: a proxy between the driver and a real server drops or holds exactly the frames of one order.

let keyspace: TestKeyspace
let proxy: CassandraFaultProxy
let unreliable: Awaited<ReturnType<TestKeyspace['connect']>>

beforeAll(async () => {
  keyspace = await createTestKeyspace('unknown')
  proxy = await startCassandraFaultProxy(stack.cassandra)
  unreliable = await keyspace.connect({ contactPoints: proxy.address, requestTimeoutMs: 1_000 })
})
afterEach(() => {
  proxy.clear()
})
afterAll(async () => {
  await keyspace.drop()
  await proxy.close()
})

const over = (options: Partial<ReservationOptions> = {}): Reservations =>
  createReservations({ cassandra: unreliable, clock: systemClock, log: silentLogger, ...options })

const stocked = async (quantity: number): Promise<string> => {
  const sku = newId()
  const settlement = createSettlement({
    cassandra: keyspace.cassandra,
    clock: systemClock,
    log: silentLogger,
  })
  await settlement.settleStock([initialStock(sku, quantity)])
  return sku
}

const book = (sku: string): ReturnType<typeof readBook> => readBook(keyspace.cassandra, sku)

/** The first `times` conditional batches that name `word` suffer. */
const onBatches = (word: string, fault: Fault<CassandraAnswer>, times = 1): Injection =>
  proxy.inject({ api: 'BATCH', mentions: word, times, fault })

const replyLost = { kind: 'drop', side: 'reply' } as const
/** Neither lost nor answered: the client gives up first. */
const held = { kind: 'late', cut: false } as const

test('a reservation whose reply is lost is found by its row and taken once', async () => {
  const sku = await stocked(10)
  const order = newId()
  onBatches(order, replyLost)
  expect(await over().reserve(order, [{ sku, quantity: 3 }])).toMatchObject({ ok: true })
  expect(await book(sku)).toMatchObject({ available: 7, held: 3 })
})

test('a reservation whose request is late is taken once, although the late one arrives after the answer', async () => {
  const sku = await stocked(10)
  const order = newId()
  const late = onBatches(order, held)
  expect(await over().reserve(order, [{ sku, quantity: 3 }])).toMatchObject({ ok: true })
  expect(late.held).toBe(1)
  late.release()
  await late.arrivals(1)
  expect(await over().reserve(newId(), [{ sku, quantity: 2 }])).toMatchObject({ ok: true })
  expect(await book(sku)).toMatchObject({ available: 5, held: 5 })
})

test('a late reservation is refused once its order was given back', async () => {
  const sku = await stocked(10)
  const order = newId()
  const late = onBatches(order, held, 100)
  await expect(
    over({ reserveTimeoutMs: 2_500 }).reserve(order, [{ sku, quantity: 3 }]),
  ).rejects.toMatchObject({
    code: 'SLUICE_CASSANDRA_UNAVAILABLE',
  })
  expect(late.held).toBeGreaterThan(0)
  late.withdraw()
  const reaper = createReservations({ cassandra: keyspace.cassandra, clock: systemClock, log: silentLogger })
  await reaper.release(order, [sku])
  const before = await book(sku)
  expect(before).toMatchObject({ available: 10, held: 0 })

  const count = late.held
  late.release()
  await late.arrivals(count)
  expect(await book(sku)).toEqual(before)
})

test('a give-back whose reply is lost gives back once', async () => {
  const sku = await stocked(10)
  const order = newId()
  const service = over()
  await service.reserve(order, [{ sku, quantity: 3 }])
  onBatches(order, replyLost)
  await service.release(order, [sku])
  expect(await book(sku)).toMatchObject({ available: 10, held: 0 })
})

test('a server error in the middle of a conditional write is resolved, not believed', async () => {
  const sku = await stocked(10)
  const order = newId()
  const error = { code: cassandraErrors.writeTimeout }
  const answered = onBatches(order, { kind: 'answer', isDone: true, error })
  expect(await over().reserve(order, [{ sku, quantity: 3 }])).toMatchObject({ ok: true })
  expect(answered.struck).toBe(1)
  expect(await book(sku)).toMatchObject({ available: 7, held: 3 })
})

test('a connection that breaks under a conditional write leaves nothing doubled', async () => {
  const sku = await stocked(10)
  const order = newId()
  const broken = onBatches(order, { kind: 'cut', side: 'request' })
  expect(await over().reserve(order, [{ sku, quantity: 3 }])).toMatchObject({ ok: true })
  expect(broken.struck).toBe(1)
  expect(await book(sku)).toMatchObject({ available: 7, held: 3 })
})

test('a settlement whose reply is lost counts once', async () => {
  const sku = await stocked(10)
  const order = newId()
  await over().reserve(order, [{ sku, quantity: 3 }])
  const settlement = createSettlement({ cassandra: unreliable, clock: systemClock, log: silentLogger })
  onBatches(order, replyLost)
  await settlement.settleStock([
    stockUpdate({ sku, version: 2, type: 'reservation', quantity: 3, orderId: order, generation: 0 }),
    stockUpdate({
      sku,
      version: 3,
      settlesAfter: 1,
      type: 'sale',
      quantity: 3,
      orderId: order,
      generation: 0,
    }),
    stockUpdate({ sku, version: 4, type: 'adjustment', quantity: 5 }),
  ])
  expect(await book(sku)).toMatchObject({ available: 12, held: 0, sold: 3, adjusted: 15, settledVersion: 4 })
})

test('with Cassandra silent, orders are refused as unavailable and nothing is kept once it is back', async () => {
  const sku = await stocked(10)
  const orders = Array.from({ length: 5 }, newId)
  const service = over({ reserveTimeoutMs: 2_000 })
  const silent = proxy.inject({ times: Infinity, fault: replyLost })
  const results = await Promise.allSettled(
    orders.map(order => service.reserve(order, [{ sku, quantity: 1 }])),
  )
  for (const result of results) {
    expect(result).toMatchObject({ status: 'rejected', reason: { code: 'SLUICE_CASSANDRA_UNAVAILABLE' } })
  }
  silent.withdraw()
  for (const order of orders) await service.release(order, [sku])
  expect(await book(sku)).toMatchObject({ available: 10, held: 0 })
})
