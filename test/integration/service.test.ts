import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connectCassandra } from '../../src/cassandra/client.ts'
import { systemClock } from '../../src/core/clock.ts'
import { derivedId } from '../../src/core/ids.ts'
import { silentLogger } from '../../src/core/log.ts'
import type { RunningOrderService } from '../../src/orders/http/run.ts'
import { createReservationIntents } from '../../src/orders/reservation/intents.ts'
import { createReservations } from '../../src/orders/reservation/reservations.ts'
import { createStockReader } from '../../src/orders/stock-reader.ts'
import { createPostgres } from '../../src/postgres/pool.ts'
import { startCassandraFaultProxy, startPostgresFaultProxy } from '../../src/testing/index.ts'
import type { Injection, PostgresFaultProxy, Side } from '../../src/testing/index.ts'
import { get, openShop, orderOf, send } from './support/shop.ts'
import type { Shop } from './support/shop.ts'
import { stack } from './support/stack.ts'

let shop: Shop
let service: RunningOrderService

beforeAll(async () => {
  shop = await openShop(stack)
  service = await shop.start()
})

afterAll(() => shop.close())

const countOrders = async (): Promise<number> => {
  const { rows } = await shop.sql.query<{ count: string }>('SELECT count(*) FROM orders')
  return Number(rows[0]?.count)
}

describe('POST /orders', () => {
  test('writes the order and its event, holds the stock, and can be asked for', async () => {
    await shop.stock('A', 10)
    await shop.stock('B "quoted" / \\', 10)
    const reply = await send(`${service.url}/orders`, {
      customerId: ' c-1 ',
      lines: [
        { sku: 'B "quoted" / \\', quantity: 1, amountMinor: 99 },
        { sku: 'A', quantity: 2, unitPriceMinor: 250 },
        { sku: ' A ', quantity: 1, amountMinor: 7 },
      ],
    })
    expect(reply.status).toBe(201)
    const id = String(reply.body['id'])
    expect(reply.headers.get('location')).toBe(`/orders/${id}`)
    expect(reply.body).toEqual({
      id,
      customerId: 'c-1',
      status: 'created',
      lines: [
        { sku: 'B "quoted" / \\', quantity: 1, amountMinor: 99 },
        { sku: 'A', quantity: 3, amountMinor: 507 },
      ],
      totalMinor: 606,
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    })
    expect((await get(`${service.url}/orders/${id}`)).body).toEqual(reply.body)

    const events = await shop.sql.query('SELECT * FROM outbox_event WHERE aggregateid = $1', [id])
    expect(events.rows).toMatchObject([
      {
        id: derivedId(id, 'OrderCreated', 0),
        aggregatetype: 'order',
        type: 'OrderCreated',
        payload: {
          orderId: id,
          customerId: 'c-1',
          lines: [
            { sku: 'B "quoted" / \\', quantity: 1, amountMinor: 99, mode: 'lwt', generation: 0 },
            { sku: 'A', quantity: 3, amountMinor: 507, mode: 'lwt', generation: 0 },
          ],
          totalMinor: 606,
          createdAt: Date.parse(String(reply.body['createdAt'])),
        },
      },
    ])
    expect(await shop.content('A')).toMatchObject({
      available: 7,
      rows: [{ entry: id, kind: 'reservation', quantity: 3, state: 'held' }],
    })
  })

  test('too little stock is 400 OutOfStock, names every SKU and keeps nothing', async () => {
    await shop.stock('C', 5)
    await shop.stock('D', 1)
    const before = await countOrders()
    const reply = await send(`${service.url}/orders`, {
      customerId: 'c',
      lines: [
        { sku: 'C', quantity: 5, unitPriceMinor: 1 },
        { sku: 'D', quantity: 2, unitPriceMinor: 1 },
        { sku: 'never stocked', quantity: 1, unitPriceMinor: 1 },
      ],
    })
    expect(reply.status).toBe(400)
    expect(reply.body).toMatchObject({ title: 'OutOfStock', code: 'OutOfStock' })
    const named = reply.body['outOfStock'] as readonly { sku: string }[]
    expect(named).toEqual(
      expect.arrayContaining([
        { sku: 'D', requested: 2, available: 1 },
        { sku: 'never stocked', requested: 1, available: 0 },
      ]),
    )
    expect(await countOrders()).toBe(before)
    expect(await shop.content('C')).toMatchObject({ available: 5, held: 0 })
  })

  test('the last unit goes to one of many', async () => {
    await shop.stock('last', 1)
    const replies = await Promise.all(
      Array.from({ length: 20 }, () => send(`${service.url}/orders`, orderOf('last'))),
    )
    expect(replies.filter(reply => reply.status === 201)).toHaveLength(1)
    expect(replies.filter(reply => reply.body['code'] === 'OutOfStock')).toHaveLength(19)
    expect(await shop.content('last')).toMatchObject({ available: 0, held: 1 })
  })

  test('an order of 2,000 lines is taken whole', async () => {
    const lines = Array.from({ length: 2_000 }, (_, index) => ({
      sku: `many-${index % 50}`,
      quantity: 1,
      unitPriceMinor: 1,
    }))
    await Promise.all(Array.from({ length: 50 }, (_, index) => shop.stock(`many-${index}`, 40)))
    const reply = await send(`${service.url}/orders`, { customerId: 'c', lines })
    expect(reply.status).toBe(201)
    expect(reply.body['totalMinor']).toBe(2_000)
  })
})

describe('wrong input over HTTP', () => {
  const wrong: readonly [string, string, number][] = [
    ['malformed JSON', '{"customerId":"c","lines":[', 400],
    ['10 MB', JSON.stringify({ customerId: 'x'.repeat(10 * 1024 * 1024) }), 413],
    ['JSON 10^5 deep', `${'['.repeat(100_000)}${']'.repeat(100_000)}`, 400],
    ['a negative quantity', JSON.stringify(orderOf('A', -1)), 400],
    ['a quantity of zero', JSON.stringify(orderOf('A', 0)), 400],
    ['a fractional quantity', JSON.stringify(orderOf('A', 1.5)), 400],
    ['a huge quantity', '{"customerId":"c","lines":[{"sku":"A","quantity":1e400,"unitPriceMinor":1}]}', 400],
    ['an unknown field', JSON.stringify({ ...orderOf('A'), status: 'confirmed' }), 400],
    ['a SKU of 10 kB', JSON.stringify(orderOf('A'.repeat(10_000))), 400],
    ['a SKU with control characters', JSON.stringify(orderOf('A\u0000\u001b[2J\r\n')), 400],
    ['a __proto__ key', '{"__proto__":{"polluted":true},"customerId":"c","lines":[]}', 400],
  ]

  test.each(wrong)('%s is refused, and nothing is half done', async (_name, body, status) => {
    const before = [await countOrders(), await shop.content('A')]
    const reply = await send(`${service.url}/orders`, body)
    expect(reply.status).toBe(status)
    expect(reply.headers.get('content-type')).toMatch(/^application\/problem\+json/)
    expect(reply.body).toMatchObject({ status, title: expect.any(String), detail: expect.any(String) })
    expect([await countOrders(), await shop.content('A')]).toEqual(before)
    expect(Reflect.get({}, 'polluted')).toBeUndefined()
  })

  test.each([
    ['what is not HTTP', 'hello\r\n\r\n', 400],
    ['headers of 100 kB', `GET /livez HTTP/1.1\r\nhost: x\r\nx-a: ${'a'.repeat(100_000)}\r\n\r\n`, 431],
  ])('%s is answered on its socket', async (_name, text, status) => {
    const { hostname, port } = new URL(service.url)
    const answer = await new Promise<string>(resolve => {
      const socket = connect(Number(port), hostname, () => socket.write(text))
      let received = ''
      socket.on('data', chunk => {
        received += String(chunk)
      })
      socket.on('error', () => {})
      socket.on('close', () => resolve(received))
    })
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(JSON.parse(answer.slice(answer.indexOf('{')))).toMatchObject({ status })
  })

  test('a SKU with quotes is a SKU like any other', async () => {
    const sku = `'; DROP TABLE orders; -- "x"`
    await shop.stock(sku, 1)
    expect((await send(`${service.url}/orders`, orderOf(sku))).status).toBe(201)
    expect((await get(`${service.url}/stock/${encodeURIComponent(sku)}`)).body).toMatchObject({
      sku,
      sellable: { available: 0 },
    })
  })

  test('the service is still there afterwards', async () => {
    expect((await get(`${service.url}/readyz`)).body).toEqual({
      status: 'ok',
      checks: { postgres: 'ok', cassandra: 'ok' },
    })
    expect((await get(`${service.url}/startupz`)).status).toBe(200)
  })
})

describe('stock', () => {
  test('a credit is written and announced, and not sold before it is settled', async () => {
    const reply = await send(`${service.url}/stock/fresh/adjustments`, { quantity: 50, reason: 'initial' })
    expect(reply.status).toBe(202)
    const { adjustmentId } = reply.body
    const { rows } = await shop.sql.query(
      'SELECT sku, quantity, reason FROM stock_adjustment WHERE id = $1',
      [adjustmentId],
    )
    expect(rows).toEqual([{ sku: 'fresh', quantity: '50', reason: 'initial' }])
    const events = await shop.sql.query(`SELECT * FROM outbox_event WHERE aggregateid = 'fresh'`)
    expect(events.rows).toMatchObject([
      {
        id: derivedId(String(adjustmentId), 'StockAdjusted', 0),
        aggregatetype: 'stock',
        type: 'StockAdjusted',
        payload: {
          adjustmentId,
          sku: 'fresh',
          quantity: 50,
          reason: 'initial',
          mode: 'lwt',
          generation: null,
        },
      },
    ])
    expect((await get(`${service.url}/stock/fresh`)).status).toBe(404)
  })

  test('a debit is taken in Cassandra first, or refused', async () => {
    await shop.stock('E', 10)
    const reply = await send(`${service.url}/stock/E/adjustments`, { quantity: -4, reason: 'loss' })
    expect(reply.status).toBe(202)
    expect(await shop.content('E')).toMatchObject({
      available: 6,
      rows: [{ entry: reply.body['adjustmentId'], quantity: 4, state: 'held' }],
    })
    const refused = await send(`${service.url}/stock/E/adjustments`, { quantity: -7, reason: 'loss' })
    expect([refused.status, refused.body['code']]).toEqual([400, 'OutOfStock'])
    const { rows } = await shop.sql.query(`SELECT sum(quantity) FROM stock_adjustment WHERE sku = 'E'`)
    expect(rows).toEqual([{ sum: '-4' }])
  })

  test('both views are shown, labelled', async () => {
    await shop.stock('F', 3)
    await shop.cassandra.write({
      query:
        'INSERT INTO stock_state (sku, on_hand, reserved, sold, version, updated_at) VALUES (?, ?, ?, ?, ?, ?) USING TIMESTAMP 4',
      params: ['F', 5n, 2n, 1n, 4n, new Date(1_700_000_000_000)],
    })
    expect((await get(`${service.url}/stock/F`)).body).toEqual({
      sku: 'F',
      sellable: {
        available: 3,
        mode: 'lwt',
        version: 1,
        asOf: expect.any(String),
        source: 'cassandra stock',
      },
      ledger: {
        onHand: 5,
        reserved: 2,
        sold: 1,
        version: 4,
        updatedAt: '2023-11-14T22:13:20.000Z',
        source: 'cassandra stock_state',
      },
    })
  })
})

/** The shop behind a proxy in front of its Postgres. */
const behindProxy = async () => {
  const proxy = await startPostgresFaultProxy(shop.addresses.postgres)
  const postgres = createPostgres({ url: proxy.url, log: silentLogger })
  const service = await shop.start({ postgres, onStopped: () => postgres.close() })
  const close = async (): Promise<void> => {
    await service.stop()
    await proxy.close()
  }
  return { proxy, url: service.url, close }
}

const cutNext = (proxy: PostgresFaultProxy, mentions: string, side: Side): Injection =>
  proxy.inject({ api: 'Execute', mentions, fault: { kind: 'cut', side } })

describe('a commit whose outcome is unknown', () => {
  test.each(['reply', 'request'] as const)('is resolved when the %s is lost', async what => {
    const sku = `unknown-${what}`
    await shop.stock(sku, 5)
    const { proxy, url, close } = await behindProxy()
    try {
      expect((await send(`${url}/orders`, orderOf(sku))).status).toBe(201)
      const lost = cutNext(proxy, 'INSERT INTO orders', what)
      const reply = await send(`${url}/orders`, orderOf(sku))
      await lost.done
      expect(reply.status).toBe(201)
      const { rows } = await shop.sql.query('SELECT status FROM orders WHERE id = $1', [reply.body['id']])
      expect(rows).toEqual([{ status: 'created' }])
      expect(await shop.content(sku)).toMatchObject({ available: 3, held: 2 })
    } finally {
      await close()
    }
  })
})

test('a claim whose answer is lost does not keep its own request out', async () => {
  await shop.stock('claimed', 5)
  const { proxy, url, close } = await behindProxy()
  const place = (key: string) => send(`${url}/orders`, orderOf('claimed'), { 'idempotency-key': key })
  try {
    expect((await place('claim-1')).status).toBe(201)
    const lost = cutNext(proxy, 'INSERT INTO idempotency_key', 'reply')
    const reply = await place('claim-2')
    await lost.done
    expect(reply.status).toBe(201)
    expect(await shop.content('claimed')).toMatchObject({ available: 3, held: 2 })
  } finally {
    await close()
  }
})

describe('a server that goes away', () => {
  test('Postgres: 503 until it is back, and nothing is left behind', async () => {
    await shop.stock('pg-away', 100)
    const { proxy, url, close } = await behindProxy()
    try {
      expect((await send(`${url}/orders`, orderOf('pg-away'))).status).toBe(201)
      proxy.setDown(true)
      for (const path of ['/orders', '/stock/pg-away/adjustments']) {
        const body = path === '/orders' ? orderOf('pg-away') : { quantity: -1, reason: 'loss' }
        const reply = await send(`${url}${path}`, body)
        expect([reply.status, reply.headers.get('retry-after')]).toEqual([503, '1'])
      }
      expect((await get(`${url}/readyz`)).body).toMatchObject({ checks: { cassandra: 'ok' } })
      expect((await get(`${url}/livez`)).status).toBe(200)
      proxy.setDown(false)
      expect((await send(`${url}/orders`, orderOf('pg-away'))).status).toBe(201)
      await shop.reap()
      expect(await shop.content('pg-away')).toMatchObject({ available: 98, held: 2 })
    } finally {
      await close()
    }
  })

  test('Cassandra: 503, and no order is written', async () => {
    await shop.stock('cql-away', 100)
    const proxy = await startCassandraFaultProxy(stack.cassandra)
    const cassandra = await connectCassandra({
      contactPoints: proxy.address,
      datacenter: stack.datacenter,
      keyspace: shop.addresses.keyspace,
      requestTimeoutMs: 1_000,
    })
    const proxied = await shop.start({
      reservations: createReservations({ cassandra, clock: systemClock, log: silentLogger }),
      intents: createReservationIntents({ cassandra }),
      stockReader: createStockReader(cassandra, systemClock),
    })
    try {
      expect((await send(`${proxied.url}/orders`, orderOf('cql-away'))).status).toBe(201)
      const before = await countOrders()
      await proxy.close()
      const reply = await send(`${proxied.url}/orders`, orderOf('cql-away'))
      expect([reply.status, reply.headers.get('retry-after')]).toEqual([503, '1'])
      expect((await get(`${proxied.url}/stock/cql-away`)).status).toBe(503)
      expect((await get(`${proxied.url}/readyz`)).body).toMatchObject({ checks: { postgres: 'ok' } })
      expect(await countOrders()).toBe(before)
      expect(await shop.content('cql-away')).toMatchObject({ available: 99, held: 1 })
    } finally {
      await proxied.stop()
      await cassandra.close()
    }
  })
})

test('a stop lets requests under way end, and refuses new ones', async () => {
  await shop.stock('stopping', 100)
  const stopping = await shop.start()
  const under = Array.from({ length: 10 }, () => send(`${stopping.url}/orders`, orderOf('stopping')))
  await Promise.race(under)
  await stopping.stop()
  const replies = await Promise.allSettled(under)
  const accepted = replies.filter(reply => reply.status === 'fulfilled' && reply.value.status === 201)
  expect(await shop.content('stopping')).toMatchObject({ held: accepted.length })
  await expect(send(`${stopping.url}/orders`, orderOf('stopping'))).rejects.toThrow('fetch failed')
})
