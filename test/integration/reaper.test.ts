import { afterAll, beforeAll, expect, test } from 'vitest'
import { newAdjustmentId, newOrderId } from '../../src/orders/entry-id.ts'
import { systemClock } from '../../src/core/clock.ts'
import { silentLogger } from '../../src/core/log.ts'
import { createReservationIntents } from '../../src/orders/reservation/intents.ts'
import { createReservations } from '../../src/orders/reservation/reservations.ts'
import { spawnService } from './support/service-process.ts'
import { openShop, orderOf, send } from './support/shop.ts'
import type { Answer, Shop } from './support/shop.ts'
import { stack } from './support/stack.ts'

let shop: Shop

beforeAll(async () => {
  shop = await openShop(stack)
})

afterAll(() => shop.close())

test('what a dead process had taken is given back, for orders and for debits', async () => {
  await shop.stock('A', 10)
  const reservations = createReservations({
    cassandra: shop.cassandra,
    clock: systemClock,
    log: silentLogger,
  })
  const intents = createReservationIntents({ cassandra: shop.cassandra })
  const [order, debit, never] = [newOrderId(), newAdjustmentId(), newOrderId()]
  for (const id of [order, debit, never]) await intents.record(id, ['A'], systemClock.now())
  for (const id of [order, debit]) await reservations.reserve(id, [{ sku: 'A', quantity: 3 }])
  expect(await shop.content('A')).toMatchObject({ available: 4, held: 6 })

  expect(await shop.reap()).toEqual({ accepted: 0, abandoned: 3, failed: 0 })
  expect(await shop.content('A')).toMatchObject({ available: 10, held: 0 })
  expect(await shop.intents()).toBe(0)
  const orders = await shop.sql.query('SELECT id, status FROM orders ORDER BY id')
  expect(orders.rows).toEqual([order, never].sort().map(id => ({ id, status: 'abandoned' })))
  const adjustments = await shop.sql.query('SELECT id, quantity, status FROM stock_adjustment')
  expect(adjustments.rows).toEqual([{ id: debit, quantity: '0', status: 'abandoned' }])
  expect(await shop.reap()).toEqual({ accepted: 0, abandoned: 0, failed: 0 })
})

test('an order that Postgres knows keeps its stock', async () => {
  await shop.stock('B', 10)
  const service = await shop.start()
  const reply = await send(`${service.url}/orders`, orderOf('B'))
  const intents = createReservationIntents({ cassandra: shop.cassandra })
  await intents.record(String(reply.body['id']), ['B'], systemClock.now())
  expect(await shop.reap()).toEqual({ accepted: 1, abandoned: 0, failed: 0 })
  expect(await shop.content('B')).toMatchObject({ available: 9, held: 1 })
  expect(await shop.intents()).toBe(0)
})

const skus = ['hot', 'warm', 'cold']
const units = 100_000

interface Load {
  /** What each request that got an answer was answered with. */
  readonly answers: ReadonlyMap<string, Answer>
  readonly sent: readonly { readonly key: string; readonly body: ReturnType<typeof bodyOf> }[]
  /** Resolves when the service no longer answers. */
  readonly ended: Promise<void>
}

const bodyOf = (number: number) => ({
  customerId: 'c-1',
  lines: skus
    .slice(number % skus.length)
    .map(sku => ({ sku, quantity: 1 + (number % 3), unitPriceMinor: 1 })),
})

const startLoad = (url: string, round: number): Load => {
  const answers = new Map<string, Answer>()
  const sent: { key: string; body: ReturnType<typeof bodyOf> }[] = []
  const client = async (): Promise<void> => {
    for (;;) {
      const number = sent.length
      const request = { key: `round-${round}-${number}`, body: bodyOf(number) }
      sent.push(request)
      try {
        answers.set(
          request.key,
          await send(`${url}/orders`, request.body, { 'idempotency-key': request.key }),
        )
      } catch {
        return
      }
    }
  }
  const ended = Promise.all(Array.from({ length: 16 }, client)).then(() => undefined)
  return { answers, sent, ended }
}

test('kill -9 under load: no reservation outlives its order, and every request ends as one order', async () => {
  for (const sku of skus) await shop.stock(sku, units)
  const expected = new Map<string, unknown>()
  let abandoned = 0
  let killed: Load | undefined
  // Nearly every kill meets requests between reservation and commit; a few rounds make sure of it.
  for (let round = 0; abandoned === 0 && round < 10; round += 1) {
    const service = await spawnService(shop.addresses)
    const load = startLoad(service.url, round)
    while (load.answers.size < 40)
      await Promise.race([load.ended, new Promise(resolve => setImmediate(resolve))])
    await service.kill()
    await load.ended
    const report = await shop.reap()
    expect(report.failed).toBe(0)
    abandoned += report.abandoned
    for (const [key, answer] of load.answers) {
      expect(answer.status).toBe(201)
      expected.set(key, answer.body['id'])
    }
    killed = load
  }
  expect(abandoned).toBeGreaterThan(0)

  const check = async (): Promise<void> => {
    const { rows } = await shop.sql.query<{ id: string; lines: { sku: string; quantity: number }[] }>(
      `SELECT id, lines FROM orders WHERE status = 'created'`,
    )
    for (const sku of skus) {
      const content = await shop.content(sku)
      const ordered = rows.flatMap(row =>
        row.lines.filter(line => line.sku === sku).map(line => `${row.id} ${line.quantity}`),
      )
      const held = content.rows.filter(row => row.state === 'held').map(row => `${row.entry} ${row.quantity}`)
      expect(held.toSorted()).toEqual(ordered.toSorted())
      expect(content.available + content.held).toBe(units)
    }
    expect(await shop.intents()).toBe(0)
    const events = await shop.sql.query(
      `SELECT (SELECT count(*) FROM outbox_event WHERE type = 'OrderCreated') = (SELECT count(*) FROM orders WHERE status = 'created') AS equal`,
    )
    expect(events.rows).toEqual([{ equal: true }])
  }
  await check()

  // Every request of the last round is sent again, answered or not: it gets its order, the same as before where it had one.
  const service = await shop.start({ config: { keyLeaseMs: 1_000 } })
  const ids = new Set<unknown>()
  for (const { key, body } of killed?.sent ?? []) {
    let reply = await send(`${service.url}/orders`, body, { 'idempotency-key': key })
    while (reply.status === 409) reply = await send(`${service.url}/orders`, body, { 'idempotency-key': key })
    expect(reply.status).toBe(201)
    expect(expected.get(key) ?? reply.body['id']).toBe(reply.body['id'])
    ids.add(reply.body['id'])
  }
  expect(ids.size).toBe(killed?.sent.length)
  await service.stop()
  await check()
})
