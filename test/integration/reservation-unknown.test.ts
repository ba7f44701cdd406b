import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { newId } from '../../src/core/ids.ts'
import { silentLogger } from '../../src/core/log.ts'
import { createReservations } from '../../src/orders/reservation/reservations.ts'
import type { ReservationOptions } from '../../src/orders/reservation/reservations.ts'
import type { Reservations } from '../../src/orders/reservation/types.ts'
import { createSettlement } from '../../src/orders/settlement.ts'
import { cqlOpcode, startCqlProxy, writeTimeout } from './support/cql-proxy.ts'
import type { CqlFrame, CqlProxy, FrameFate } from './support/cql-proxy.ts'
import { createTestKeyspace } from './support/keyspace.ts'
import type { TestKeyspace } from './support/keyspace.ts'
import { stack } from './support/stack.ts'
import { initialStock, readBook, stockUpdate } from './support/stock-book.ts'

// Goal: a request or a reply of Cassandra that is lost, or late, neither loses nor doubles stock.
// Method: a proxy between the driver and a real server drops or holds exactly the frames of one order.

let keyspace: TestKeyspace
let proxy: CqlProxy
let unreliable: Awaited<ReturnType<TestKeyspace['connect']>>

beforeAll(async () => {
  keyspace = await createTestKeyspace('unknown')
  proxy = await startCqlProxy(stack.cassandra)
  unreliable = await keyspace.connect({ contactPoints: proxy.address, requestTimeoutMs: 1_000 })
})
afterEach(() => {
  proxy.releaseHeld()
  proxy.decide(undefined)
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

/** Judges the first `times` conditional batches that name `word`, as requests or by their replies. */
const onBatches = (
  word: string,
  direction: CqlFrame['direction'],
  fate: FrameFate,
  times = 1,
): ((frame: CqlFrame) => FrameFate) => {
  const streams = new Set<number>()
  let left = times
  return frame => {
    const isBatch = frame.direction === 'request' && frame.opcode === cqlOpcode.batch
    if (isBatch && left > 0 && frame.bytes.includes(word)) {
      left--
      if (direction === 'request') return fate
      streams.add(frame.stream)
    }
    if (frame.direction === 'reply' && streams.delete(frame.stream)) return fate
    return 'pass'
  }
}

test('a reservation whose reply is lost is found by its row and taken once', async () => {
  const sku = await stocked(10)
  const order = newId()
  proxy.decide(onBatches(order, 'reply', 'drop'))
  expect(await over().reserve(order, [{ sku, quantity: 3 }])).toMatchObject({ ok: true })
  expect(await book(sku)).toMatchObject({ available: 7, held: 3 })
})

test('a reservation whose request is late is taken once, although the late one arrives after the answer', async () => {
  const sku = await stocked(10)
  const order = newId()
  proxy.decide(onBatches(order, 'request', 'hold'))
  expect(await over().reserve(order, [{ sku, quantity: 3 }])).toMatchObject({ ok: true })
  expect(proxy.held).toBe(1)
  proxy.releaseHeld()
  expect(await over().reserve(newId(), [{ sku, quantity: 2 }])).toMatchObject({ ok: true })
  expect(await book(sku)).toMatchObject({ available: 5, held: 5 })
})

test('a late reservation is refused once its order was given back', async () => {
  const sku = await stocked(10)
  const order = newId()
  proxy.decide(onBatches(order, 'request', 'hold', 100))
  await expect(
    over({ reserveTimeoutMs: 2_500 }).reserve(order, [{ sku, quantity: 3 }]),
  ).rejects.toMatchObject({
    code: 'SLUICE_CASSANDRA_UNAVAILABLE',
  })
  const late = proxy.held
  expect(late).toBeGreaterThan(0)
  proxy.decide(undefined)
  const reaper = createReservations({ cassandra: keyspace.cassandra, clock: systemClock, log: silentLogger })
  await reaper.release(order, [sku])
  const before = await book(sku)
  expect(before).toMatchObject({ available: 10, held: 0 })

  let answers = 0
  proxy.decide(frame => {
    if (frame.direction === 'reply' && frame.opcode === cqlOpcode.result) answers++
    return 'pass'
  })
  proxy.releaseHeld()
  await vi.waitFor(() => expect(answers).toBeGreaterThanOrEqual(late), { timeout: 10_000 })
  expect(await book(sku)).toEqual(before)
})

test('a give-back whose reply is lost gives back once', async () => {
  const sku = await stocked(10)
  const order = newId()
  const service = over()
  await service.reserve(order, [{ sku, quantity: 3 }])
  proxy.decide(onBatches(order, 'reply', 'drop'))
  await service.release(order, [sku])
  expect(await book(sku)).toMatchObject({ available: 10, held: 0 })
})

test('a server error in the middle of a conditional write is resolved, not believed', async () => {
  const sku = await stocked(10)
  const order = newId()
  const streams = new Set<number>()
  let replaced = 0
  // The write is executed, and the proxy answers with WriteTimeout (CAS) in the server's place.
  proxy.decide(frame => {
    const isBatch = frame.direction === 'request' && frame.opcode === cqlOpcode.batch
    if (isBatch && replaced === 0 && frame.bytes.includes(order)) streams.add(frame.stream)
    if (frame.direction === 'reply' && streams.delete(frame.stream)) {
      replaced++
      return { reply: writeTimeout(frame) }
    }
    return 'pass'
  })
  expect(await over().reserve(order, [{ sku, quantity: 3 }])).toMatchObject({ ok: true })
  expect(replaced).toBe(1)
  expect(await book(sku)).toMatchObject({ available: 7, held: 3 })
})

test('a connection that breaks under a conditional write leaves nothing doubled', async () => {
  const sku = await stocked(10)
  const order = newId()
  let broken = 0
  proxy.decide(frame => {
    if (frame.direction !== 'request' || frame.opcode !== cqlOpcode.batch) return 'pass'
    if (broken > 0 || !frame.bytes.includes(order)) return 'pass'
    broken++
    return 'break'
  })
  expect(await over().reserve(order, [{ sku, quantity: 3 }])).toMatchObject({ ok: true })
  expect(broken).toBe(1)
  expect(await book(sku)).toMatchObject({ available: 7, held: 3 })
})

test('a settlement whose reply is lost counts once', async () => {
  const sku = await stocked(10)
  const order = newId()
  await over().reserve(order, [{ sku, quantity: 3 }])
  const settlement = createSettlement({ cassandra: unreliable, clock: systemClock, log: silentLogger })
  proxy.decide(onBatches(order, 'reply', 'drop'))
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
  proxy.decide(frame => (frame.direction === 'reply' ? 'drop' : 'pass'))
  const results = await Promise.allSettled(
    orders.map(order => service.reserve(order, [{ sku, quantity: 1 }])),
  )
  for (const result of results) {
    expect(result).toMatchObject({ status: 'rejected', reason: { code: 'SLUICE_CASSANDRA_UNAVAILABLE' } })
  }
  proxy.decide(undefined)
  for (const order of orders) await service.release(order, [sku])
  expect(await book(sku)).toMatchObject({ available: 10, held: 0 })
})
