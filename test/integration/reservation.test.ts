import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { newId } from '../../src/core/ids.ts'
import { silentLogger } from '../../src/core/log.ts'
import { createReservations } from '../../src/orders/reservation/reservations.ts'
import type { ReservationOptions } from '../../src/orders/reservation/reservations.ts'
import type { Reservations } from '../../src/orders/reservation/types.ts'
import { createSettlement } from '../../src/orders/settlement.ts'
import { createTestKeyspace } from './support/keyspace.ts'
import type { TestKeyspace } from './support/keyspace.ts'
import { initialStock, readBook } from './support/stock-book.ts'

let keyspace: TestKeyspace

beforeAll(async () => {
  keyspace = await createTestKeyspace('reservation')
})
afterAll(() => keyspace.drop())

const reservations = (options: Partial<ReservationOptions> = {}): Reservations =>
  createReservations({ cassandra: keyspace.cassandra, clock: systemClock, log: silentLogger, ...options })

/** New SKUs with stock of their own, as settlement brings it. */
const stocked = async (...quantities: number[]): Promise<string[]> => {
  const settlement = createSettlement({
    cassandra: keyspace.cassandra,
    clock: systemClock,
    log: silentLogger,
  })
  const skus = quantities.map((_, index) => `${newId()}-${index}`)
  await settlement.settleStock(skus.map((sku, index) => initialStock(sku, quantities[index] ?? 0)))
  return skus
}

const available = async (sku: string): Promise<number | undefined> =>
  (await reservations().available(sku))?.available

test('of 50 orders for 10 units in two processes exactly 10 win', async () => {
  const [sku = ''] = await stocked(10)
  const [one, other] = [reservations(), reservations()]
  const results = await Promise.all(
    Array.from({ length: 50 }, (_, index) =>
      (index % 2 === 0 ? one : other).reserve(newId(), [{ sku, quantity: 1 }]),
    ),
  )
  expect(results.filter(result => result.ok)).toHaveLength(10)
  const book = await readBook(keyspace.cassandra, sku)
  expect(book).toMatchObject({ available: 0, held: 10, adjusted: 10, sold: 0 })
  const refusals = results.flatMap(result => (result.ok ? [] : [result.outOfStock]))
  expect(refusals).toEqual(refusals.map(() => [{ sku, requested: 1, available: 0 }]))
})

test('an order that lacks one SKU keeps nothing of the others and names what it lacks', async () => {
  const [plenty = '', few = ''] = await stocked(100, 3)
  const unknown = newId()
  const result = await reservations().reserve(newId(), [
    { sku: plenty, quantity: 5 },
    { sku: few, quantity: 4 },
    { sku: unknown, quantity: 1 },
  ])
  expect(result).toMatchObject({ ok: false })
  const short = result.ok ? [] : result.outOfStock
  expect(new Map(short.map(line => [line.sku, line.available]))).toEqual(
    new Map([
      [few, 3],
      [unknown, 0],
    ]),
  )
  expect(await readBook(keyspace.cassandra, plenty)).toMatchObject({ available: 100, held: 0 })
  expect(await readBook(keyspace.cassandra, few)).toMatchObject({ available: 3, held: 0 })
})

test('of two orders that want the same last two units in opposite order one wins', async () => {
  for (let round = 0; round < 10; round++) {
    const skus = await stocked(1, 1)
    const lines = skus.map(sku => ({ sku, quantity: 1 }))
    const results = await Promise.all([
      reservations().reserve(newId(), lines),
      reservations().reserve(newId(), lines.toReversed()),
    ])
    expect(results.filter(result => result.ok)).toHaveLength(1)
    for (const sku of skus)
      expect(await readBook(keyspace.cassandra, sku)).toMatchObject({ available: 0, held: 1 })
  }
})

test('the same order reserved twice takes once, and another quantity under its id is refused', async () => {
  const [sku = ''] = await stocked(10)
  const order = newId()
  const first = await reservations().reserve(order, [{ sku, quantity: 4 }])
  const second = await reservations().reserve(order, [{ sku, quantity: 4 }])
  expect(second).toEqual(first)
  expect(await available(sku)).toBe(6)
  await expect(reservations().reserve(order, [{ sku, quantity: 5 }])).rejects.toMatchObject({
    code: 'SLUICE_STOCK_RESERVATION_CONFLICT',
  })
})

test('a give-back adds what was held once, and what was not held never', async () => {
  const [sku = '', other = ''] = await stocked(10, 10)
  const order = newId()
  const service = reservations()
  await service.reserve(order, [{ sku, quantity: 4 }])
  await Promise.all([service.release(order, [sku, other]), reservations().release(order, [sku, other])])
  await reservations().release(order, [sku, other])
  expect(await available(sku)).toBe(10)
  expect(await available(other)).toBe(10)
})

test('after a give-back the order can take nothing any more', async () => {
  const [sku = ''] = await stocked(10)
  const order = newId()
  await reservations().release(order, [sku])
  await expect(reservations().reserve(order, [{ sku, quantity: 1 }])).rejects.toMatchObject({
    code: 'SLUICE_STOCK_RESERVATION_CONFLICT',
  })
  expect(await available(sku)).toBe(10)
})

test('stock that settlement adds is seen by a process that knew the SKU as sold out', async () => {
  const [sku = ''] = await stocked(1)
  const service = reservations()
  await service.reserve(newId(), [{ sku, quantity: 1 }])
  expect(await service.reserve(newId(), [{ sku, quantity: 1 }])).toMatchObject({ ok: false })
  const settlement = createSettlement({
    cassandra: keyspace.cassandra,
    clock: systemClock,
    log: silentLogger,
  })
  await settlement.settleStock([{ ...initialStock(sku, 5), version: 2, settlesAfter: 1 }])
  expect(await service.reserve(newId(), [{ sku, quantity: 5 }])).toMatchObject({ ok: true })
})

test('an order of 700 lines is taken, and given back whole when one more lacks', async () => {
  const skus = await stocked(...Array.from({ length: 701 }, () => 10))
  const lines = skus.slice(0, 700).map(sku => ({ sku, quantity: 1 }))
  const service = reservations({ reserveTimeoutMs: 60_000, releaseTimeoutMs: 60_000 })
  const order = newId()
  expect(await service.reserve(order, lines)).toMatchObject({ ok: true })
  await service.release(
    order,
    lines.map(line => line.sku),
  )
  const lacking = { sku: skus[700] ?? '', quantity: 11 }
  expect(await service.reserve(newId(), [...lines, lacking])).toEqual({
    ok: false,
    outOfStock: [{ sku: lacking.sku, requested: 11, available: 10 }],
  })
  for (const sku of skus.slice(0, 20)) expect(await available(sku)).toBe(10)
})

test('a SKU in a mode this version does not speak is refused by name', async () => {
  const [sku = ''] = await stocked(10)
  const query = 'UPDATE stock SET mode = ? WHERE sku = ? AND generation = 0 IF version = 1'
  await keyspace.cassandra.conditional([{ query, params: ['combined', sku] }])
  await expect(reservations().reserve(newId(), [{ sku, quantity: 1 }])).rejects.toMatchObject({
    code: 'SLUICE_STOCK_MODE_UNSUPPORTED',
    message: expect.stringContaining(sku) as string,
  })
})

test('a queue that is full answers busy and takes nothing', async () => {
  const [sku = ''] = await stocked(1_000)
  const service = reservations({ longestQueue: 5 })
  const results = await Promise.allSettled(
    Array.from({ length: 20 }, () => service.reserve(newId(), [{ sku, quantity: 1 }])),
  )
  const codes = results.map(result =>
    result.status === 'rejected' ? (result.reason as { code: string }).code : 'ok',
  )
  expect(codes.filter(code => code === 'ok')).toHaveLength(5)
  expect(codes.filter(code => code === 'SLUICE_STOCK_BUSY')).toHaveLength(15)
  expect(await readBook(keyspace.cassandra, sku)).toMatchObject({ available: 995, held: 5 })
})
