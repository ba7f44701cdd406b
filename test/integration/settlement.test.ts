import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { StockUpdate } from '../../schemas/types.ts'
import { systemClock } from '../../src/core/clock.ts'
import { newId } from '../../src/core/ids.ts'
import { silentLogger } from '../../src/core/log.ts'
import { createGenerations } from '../../src/orders/reservation/generations.ts'
import { createReservations } from '../../src/orders/reservation/reservations.ts'
import { createStockStore } from '../../src/orders/reservation/store.ts'
import type { Reservations } from '../../src/orders/reservation/types.ts'
import { createSettlement } from '../../src/orders/settlement.ts'
import type { Settlement, SettlementOptions } from '../../src/orders/settlement.ts'
import { createTestKeyspace } from './support/keyspace.ts'
import type { TestKeyspace } from './support/keyspace.ts'
import { initialStock, readBook, stockUpdate } from './support/stock-book.ts'

let keyspace: TestKeyspace

beforeAll(async () => {
  keyspace = await createTestKeyspace('settlement')
})
afterAll(() => keyspace.drop())

const settling = (options: Partial<SettlementOptions> = {}): Settlement =>
  createSettlement({ cassandra: keyspace.cassandra, clock: systemClock, log: silentLogger, ...options })

const reserving = (rollAtEntries = 50_000): Reservations =>
  createReservations({ cassandra: keyspace.cassandra, clock: systemClock, log: silentLogger, rollAtEntries })

const book = (sku: string): ReturnType<typeof readBook> => readBook(keyspace.cassandra, sku)

/** Reserves one unit per order, and gives each order the generation that holds it. */
const ordersOf = async (service: Reservations, sku: string, count: number): Promise<[string, number][]> => {
  const orders: [string, number][] = []
  for (let index = 0; index < count; index++) {
    const order = newId()
    const result = await service.reserve(order, [{ sku, quantity: 1 }])
    if (!result.ok) throw new Error(`${sku} is short`)
    orders.push([order, result.lines[0]?.generation ?? -1])
  }
  return orders
}

const expectBalance = async (sku: string): Promise<void> => {
  const { adjusted, available, held, sold } = await book(sku)
  expect(available + held + sold).toBe(adjusted)
}

test('every kind of update moves its units, and a turn delivered again moves nothing', async () => {
  const sku = newId()
  await settling().settleStock([initialStock(sku, 20)])
  const service = reserving()
  const [sold = '', released = '', refused = '', kept = ''] = (await ordersOf(service, sku, 4)).map(
    ([id]) => id,
  )
  const loss = newId()
  await service.reserve(loss, [{ sku, quantity: 2 }])
  const of = (version: number, type: StockUpdate['type'], orderId: string): StockUpdate =>
    stockUpdate({ sku, version, type, quantity: 1, orderId, generation: 0 })
  const turn = [
    of(2, 'reservation', sold),
    of(3, 'reservation', released),
    { ...of(4, 'refusal', refused), settlesAfter: 1 },
    of(5, 'reservation', kept),
    { ...of(6, 'sale', sold), settlesAfter: 4 },
    of(7, 'release', released),
    stockUpdate({ sku, version: 8, type: 'adjustment', quantity: -2, eventId: loss, generation: 0 }),
    stockUpdate({ sku, version: 9, type: 'adjustment', quantity: 10 }),
  ]
  await settling().settleStock(turn)
  const after = await book(sku)
  expect(after).toMatchObject({ available: 26, adjusted: 28, sold: 1, held: 1, settledVersion: 9 })
  expect(after.rows.map(row => [row.entry, row.state])).toEqual(
    expect.arrayContaining([
      [sold, 'sold'],
      [released, 'released'],
      [refused, 'released'],
      [kept, 'held'],
      [loss, 'adjusted'],
    ]),
  )
  await settling().settleStock(turn)
  await settling().settleStock(turn.slice(3))
  expect(await book(sku)).toEqual(after)
})

test('several owners of the same turns count each update once', async () => {
  const sku = newId()
  await settling().settleStock([initialStock(sku, 100)])
  const orders = await ordersOf(reserving(), sku, 20)
  const updates = orders.flatMap(([orderId, generation], index) => [
    stockUpdate({ sku, version: 2 + 2 * index, type: 'reservation', quantity: 1, orderId, generation }),
    stockUpdate({
      sku,
      version: 3 + 2 * index,
      settlesAfter: 1 + 2 * index,
      type: 'sale',
      quantity: 1,
      orderId,
      generation,
    }),
  ])
  const owner = async (size: number): Promise<void> => {
    const settlement = settling()
    for (let first = 0; first < updates.length; first += size) {
      await settlement.settleStock(updates.slice(first, first + size))
    }
  }
  await Promise.all([owner(3), owner(4), owner(40)])
  expect(await book(sku)).toMatchObject({ available: 80, sold: 20, held: 0, settledVersion: 41 })
})

test('settlement and orders on one SKU at the same time leave the sum right', async () => {
  const sku = newId()
  const settlement = settling()
  await settlement.settleStock([initialStock(sku, 1_000)])
  const service = reserving()
  const restock = async (): Promise<void> => {
    for (let version = 2; version <= 31; version++) {
      await settlement.settleStock([stockUpdate({ sku, version, type: 'adjustment', quantity: 1 })])
    }
  }
  await Promise.all([restock(), ordersOf(service, sku, 30), ordersOf(reserving(), sku, 30)])
  expect(await book(sku)).toMatchObject({ available: 970, held: 60, adjusted: 1_030, settledVersion: 31 })
})

test('a missing version stops the settlement and names it', async () => {
  const sku = newId()
  await expect(
    settling().settleStock([{ ...initialStock(sku, 5), version: 2, settlesAfter: 1 }]),
  ).rejects.toMatchObject({
    code: 'SLUICE_SETTLEMENT_GAP',
  })
  const settlement = settling()
  await settlement.settleStock([initialStock(sku, 5)])
  await expect(
    settlement.settleStock([stockUpdate({ sku, version: 3, type: 'adjustment', quantity: 1 })]),
  ).rejects.toMatchObject({ code: 'SLUICE_SETTLEMENT_GAP', details: { sku, settled: 1, version: 3 } })
  expect(await book(sku)).toMatchObject({ available: 5, settledVersion: 1 })
})

test('more updates than fit into one write are settled in several', async () => {
  const sku = newId()
  await settling().settleStock([initialStock(sku, 10)])
  const updates = Array.from({ length: 25 }, (_, index) =>
    stockUpdate({ sku, version: index + 2, type: 'adjustment', quantity: 1 }),
  )
  await settling({ mostUpdatesPerWrite: 10 }).settleStock(updates)
  expect(await book(sku)).toMatchObject({ available: 35, settledVersion: 26 })
})

describe('over generations', () => {
  test('a full generation is rolled under load and every order is taken once', async () => {
    const sku = newId()
    await settling().settleStock([initialStock(sku, 1_000)])
    const processes = [reserving(20), reserving(20)]
    await Promise.all(processes.flatMap(service => [ordersOf(service, sku, 50), ordersOf(service, sku, 50)]))
    const after = await book(sku)
    expect(after).toMatchObject({ available: 800, held: 200, adjusted: 1_000 })
    expect(after.generation).toBeGreaterThanOrEqual(4)
    expect(new Set(after.rows.map(row => row.entry)).size).toBe(200)
  })

  test('orders held in closed generations are sold, released and given back; settled ones are deleted', async () => {
    const sku = newId()
    const settlement = settling({ generationGraceMs: 0, pruneIntervalMs: 0 })
    await settlement.settleStock([initialStock(sku, 100)])
    const service = reserving(10)
    const orders = await ordersOf(service, sku, 45)
    const before = await book(sku)
    expect(before.generations).toBeGreaterThanOrEqual(4)
    expect(before).toMatchObject({ available: 55, held: 45 })

    const [abandoned, ...committed] = orders.filter(([, generation]) => generation < before.generation)
    await Promise.all([
      service.release(abandoned?.[0] ?? '', [sku]),
      reserving().release(abandoned?.[0] ?? '', [sku]),
    ])
    await reserving().release(abandoned?.[0] ?? '', [sku])
    expect(await book(sku)).toMatchObject({ available: 56, held: 44 })

    const latest = orders.filter(([, generation]) => generation === before.generation)
    const updates = [...committed, ...latest].map(([orderId, generation], index) =>
      stockUpdate({
        sku,
        version: index + 2,
        type: index % 4 === 0 ? 'release' : 'sale',
        quantity: 1,
        orderId,
        generation,
      }),
    )
    await settlement.settleStock(updates)
    const after = await book(sku)
    expect(after).toMatchObject({ available: 67, held: 0, sold: 33, adjusted: 100, generations: 1 })
    await settling().settleStock(updates)
    expect(await book(sku)).toEqual(after)
    // A process that knew a deleted generation finds its way.
    expect(await service.reserve(newId(), [{ sku, quantity: 1 }])).toMatchObject({ ok: true })
    await expectBalance(sku)
  })

  test('a mark left in a closed generation by a settlement that died is counted by the next', async () => {
    const sku = newId()
    await settling().settleStock([initialStock(sku, 100)])
    const [first = ['', 0], second = ['', 0]] = await ordersOf(reserving(1), sku, 3)
    const store = createStockStore(keyspace.cassandra, systemClock)
    await store.endRows(sku, first[1], [{ change: 'set', entry: first[0], state: 'released', settledBy: 2 }])
    const updates = [first, second].map(([orderId, generation], index) =>
      stockUpdate({ sku, version: index + 2, type: 'release', quantity: 1, orderId, generation }),
    )
    await settling().settleStock(updates)
    expect(await book(sku)).toMatchObject({ available: 99, held: 1, settledVersion: 3 })
  })

  test('a roll that stopped half-way is finished by whoever comes next', async () => {
    const store = createStockStore(keyspace.cassandra, systemClock)
    const closeOnly = async (sku: string): Promise<void> => {
      const { partition } = await createGenerations(store).current(sku, [], 'serial')
      if (partition === undefined) throw new Error('not stocked')
      await store.change(partition, { ...partition, closed: true, version: partition.version + 1 }, [])
    }
    const sku = newId()
    const settlement = settling()
    await settlement.settleStock([initialStock(sku, 10)])
    const service = reserving()
    const [[order] = ['']] = await ordersOf(service, sku, 1)
    await closeOnly(sku)
    await Promise.all([ordersOf(service, sku, 2), ordersOf(reserving(), sku, 2)])
    expect(await book(sku)).toMatchObject({ available: 5, held: 5, generation: 1 })
    await closeOnly(sku)
    await settlement.settleStock([
      stockUpdate({ sku, version: 2, type: 'sale', quantity: 1, orderId: order, generation: 0 }),
    ])
    expect(await book(sku)).toMatchObject({ available: 5, held: 4, sold: 1, generation: 2 })
    await closeOnly(sku)
    expect(await reserving().available(sku)).toMatchObject({ available: 5, generation: 3 })
  })
})
