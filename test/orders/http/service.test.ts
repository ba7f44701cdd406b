import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../../src/core/clock.ts'
import { SluiceError } from '../../../src/core/errors.ts'
import type { Logger } from '../../../src/core/log.ts'
import { createOrderService } from '../../../src/orders/http/service.ts'
import { createPostgres } from '../../../src/postgres/pool.ts'
import type { Postgres } from '../../../src/postgres/pool.ts'
import { memoryReservations } from '../support/memory-reservations.ts'

// What the service answers while Postgres is away, and what needs no server at all.

const closedPort = async (): Promise<number> => {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}

const lines: { readonly details: object; readonly message: string }[] = []
const note = (details: object, message: string): void => {
  lines.push({ details, message })
}
const log: Logger = { debug: note, info: note, warn: note, error: note }
const memory = memoryReservations({ A: 10 })
const cassandraDown = new SluiceError({
  code: 'SLUICE_CASSANDRA_UNAVAILABLE',
  message: 'no host could be tried',
  reaction: 'retry',
})

let postgres: Postgres
let app: FastifyInstance

beforeAll(async () => {
  postgres = createPostgres({
    url: `postgres://shop:canary-secret@127.0.0.1:${await closedPort()}/shop`,
    log,
  })
  app = await createOrderService({
    postgres,
    ...memory,
    stockReader: {
      ledger: async () => undefined,
      ping: async () => {
        throw cassandraDown
      },
    },
    clock: systemClock,
    log,
  })
})

afterAll(async () => {
  await app.close()
  await postgres.close()
})

const order = { customerId: 'c', lines: [{ sku: 'A', quantity: 1, unitPriceMinor: 5 }] }
const post = (url: string, payload: string | object, headers: Record<string, string> = {}) =>
  app.inject({ method: 'POST', url, payload, headers: { 'content-type': 'application/json', ...headers } })

describe('wrong input', () => {
  test.each<[string, string | object, number, string]>([
    ['malformed JSON', '{"customerId":', 400, 'MalformedJson'],
    ['an empty body', '', 400, 'MalformedJson'],
    ['10 MB', ' '.repeat(10 * 1024 * 1024), 413, 'BodyTooLarge'],
    ['JSON 10^5 deep', `${'['.repeat(100_000)}${']'.repeat(100_000)}`, 400, 'InvalidRequest'],
    ['objects 8 x 10^4 deep', `${'{"a":'.repeat(80_000)}1${'}'.repeat(80_000)}`, 400, 'InvalidRequest'],
    ['a __proto__ key', '{"__proto__":{"a":1},"customerId":"c","lines":[]}', 400, 'MalformedJson'],
    ['an unknown field', { ...order, discount: 1 }, 400, 'InvalidRequest'],
    [
      '170,000 lines',
      JSON.stringify({ lines: Array.from({ length: 170_000 }, () => 0) }),
      400,
      'InvalidRequest',
    ],
  ])('%s', async (_name, body, status, code) => {
    const reply = await post('/orders', body)
    expect(reply.statusCode).toBe(status)
    expect(reply.headers['content-type']).toMatch(/^application\/problem\+json/)
    expect(reply.json()).toMatchObject({ status, code, type: expect.stringMatching(/^urn:sluice:problem:/) })
    expect(reply.body.length).toBeLessThan(100_000)
  })

  test('is answered with every fault', async () => {
    const reply = await post('/orders', { customerId: '', lines: [{ sku: 'A', quantity: 0 }] })
    expect(reply.json<{ errors: object[] }>().errors).toEqual([
      { pointer: '#/customerId', message: 'must not be empty' },
      { pointer: '#/lines/0/quantity', message: 'must be a number of units, an integer from 1 to 1000000' },
      { pointer: '#/lines/0', message: 'must have exactly one of unitPriceMinor and amountMinor' },
    ])
  })

  test('a wrong Idempotency-Key is named as such', async () => {
    const reply = await post('/orders', order, { 'idempotency-key': 'two words' })
    expect(reply.statusCode).toBe(400)
    expect(reply.json<{ errors: object[] }>().errors).toEqual([
      { pointer: '#/idempotency-key', message: 'must be 1 to 255 visible ASCII characters', in: 'header' },
    ])
  })

  test('another content type', async () => {
    const reply = await post('/orders', 'customerId=c', {
      'content-type': 'application/x-www-form-urlencoded',
    })
    expect([reply.statusCode, reply.json<{ code: string }>().code]).toEqual([415, 'UnsupportedMediaType'])
  })

  test.each([
    ['GET', '/stock/%zz', 400],
    ['GET', `/stock/${'A'.repeat(10_000)}`, 400],
    ['GET', '/stock/A%0AB', 400],
    ['GET', '/orders/1', 400],
    ['GET', '/nowhere', 404],
    ['POST', '/nowhere', 404],
    ['DELETE', '/orders', 405],
    ['PUT', '/stock/A', 405],
    ['GET', '/stock/A/adjustments', 405],
  ] as const)('%s %s', async (method, url, status) => {
    const reply = await app.inject({ method, url })
    expect(reply.statusCode).toBe(status)
    expect(reply.json<{ status: number }>().status).toBe(status)
    expect(reply.headers['allow'] !== undefined).toBe(status === 405)
  })
})

describe('with Postgres away', () => {
  test.each([
    ['an order', '/orders', order, {}],
    ['an order with a key', '/orders', order, { 'idempotency-key': 'k' }],
    ['an adjustment', '/stock/A/adjustments', { quantity: 5, reason: 'restock' }, {}],
    ['a debit', '/stock/A/adjustments', { quantity: -5, reason: 'loss' }, {}],
  ])('%s gets 503 and when to come again', async (_name, url, body, headers) => {
    const reply = await post(url, body, headers)
    expect(reply.statusCode).toBe(503)
    expect(reply.headers['retry-after']).toBe('1')
    expect(reply.json()).toMatchObject({ code: 'Unavailable', title: 'Unavailable' })
    expect(reply.body).not.toMatch(/canary|ECONN|127\.0\.0\.1|stack/)
  })

  test('only the first order takes stock: until Postgres is back, none is taken', () => {
    expect(memory.held.size).toBe(1)
    expect([...memory.pending.keys()]).toEqual([...memory.held.keys()])
  })

  test('an order is not found, but unavailable', async () => {
    const reply = await app.inject('/orders/01970f2c-5d1e-7c3a-9a51-3f0c9d2b7e10')
    expect(reply.statusCode).toBe(503)
  })

  test('it lives, and is neither ready nor started', async () => {
    expect((await app.inject('/livez')).statusCode).toBe(200)
    const ready = await app.inject('/readyz')
    expect(ready.statusCode).toBe(503)
    expect(ready.json()).toEqual({
      status: 'unavailable',
      checks: { postgres: 'SLUICE_POSTGRES_UNAVAILABLE', cassandra: 'SLUICE_CASSANDRA_UNAVAILABLE' },
    })
    expect((await app.inject('/startupz')).statusCode).toBe(503)
  })

  test('no secret is logged', () => {
    expect(lines.length).toBeGreaterThan(0)
    expect(JSON.stringify(lines)).not.toContain('canary-secret')
  })
})

describe('what it says of itself', () => {
  test('the OpenAPI document has every route, with examples and problems', async () => {
    const document = (await app.inject('/docs/json')).json<{
      paths: Record<string, Record<string, { responses: object; requestBody?: object }>>
    }>()
    expect(Object.keys(document.paths).sort()).toEqual([
      '/livez',
      '/metrics',
      '/orders',
      '/orders/{id}',
      '/readyz',
      '/startupz',
      '/stock/{sku}',
      '/stock/{sku}/adjustments',
    ])
    const place = document.paths['/orders']?.['post']
    expect(Object.keys(place?.responses ?? {})).toEqual(['201', '400', '409', '413', '415', '422', '503'])
    expect(JSON.stringify(place?.requestBody)).toContain('85123A')
  })

  test('its pages load nothing from elsewhere, and all others nothing at all', async () => {
    const page = await app.inject('/docs')
    expect(page.statusCode).toBe(200)
    expect(page.headers['content-security-policy']).toMatch(/^default-src 'self';.*script-src 'self';/)
    expect(page.body).not.toMatch(/<script>[^<]|https?:\/\//)
    const api = await app.inject('/livez')
    expect(api.headers['content-security-policy']).toBe("default-src 'none';frame-ancestors 'none'")
    expect(api.headers['x-content-type-options']).toBe('nosniff')
  })

  test('metrics carry routes and outcomes, never SKUs, customers or orders', async () => {
    const { body } = await app.inject('/metrics')
    expect(body).toContain('sluice_entries_total{kind="order",outcome="unavailable"}')
    expect(body).toContain('route="/stock/:sku"')
    const labels = new Set([...body.matchAll(/[{,]([a-z_]+)="/g)].map(([, name]) => name))
    expect(labels).toEqual(new Set(['kind', 'le', 'method', 'outcome', 'route', 'stage', 'status']))
  })
})
