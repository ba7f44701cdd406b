import { createServer } from 'node:http'
import type { Server } from 'node:http'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../../src/core/clock.ts'
import { createShopClient } from '../../../src/orders/client.ts'
import { importFile } from '../../../src/orders/import/import.ts'
import type { ImportResult } from '../../../src/orders/import/import.ts'
import { forEachInFlight } from '../../../src/orders/import/in-flight.ts'

// What the importer sends, and how it takes the answers, seen from the other end of the wire; the real service is
// used by test/integration/import.test.ts.

interface Seen {
  readonly method: string
  readonly path: string
  readonly key: string | undefined
  readonly body: unknown
}
type Answer = (seen: Seen) => { status: number; body?: unknown; headers?: Record<string, string> }

let folder: string
let file: string
let server: Server | undefined
const text = `InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
1,A,,2,d,1.50,17850.0,UK
1,bank charges,,1,d,3,17850.0,UK
2,A,,1,d,0,,UK
C3,A,,-1,d,1.50,,UK
C3,B,,-2,d,1.50,,UK
1,B,,5,d,2,,UK
`

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-import-'))
  file = join(folder, 'retail.csv')
  await writeFile(file, text)
})
afterEach(() => server?.closeAllConnections())
afterEach(() => new Promise(resolve => (server === undefined ? resolve(undefined) : server.close(resolve))))
afterAll(() => rm(folder, { recursive: true }))

const listen = async (answer: Answer): Promise<{ url: string; seen: Seen[] }> => {
  const seen: Seen[] = []
  server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString()
      const key = request.headers['idempotency-key']
      const one: Seen = {
        method: request.method ?? '',
        path: decodeURIComponent(request.url ?? ''),
        key: typeof key === 'string' ? key : undefined,
        body: body === '' ? undefined : JSON.parse(body),
      }
      const reply = answer(one)
      seen.push(one)
      response.writeHead(reply.status, { 'content-type': 'application/json', ...reply.headers })
      response.end(JSON.stringify(reply.body ?? {}))
    })
  })
  await new Promise<void>(resolve => server?.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, seen }
}

const takeAll: Answer = ({ method }) =>
  method === 'GET' ? { status: 200, body: { sellable: { available: 1_000_000 } } } : { status: 201 }

const run = (
  apiUrl: string,
  options: { limit?: number; inFlight?: number; retryForMs?: number } = {},
): Promise<ImportResult> =>
  importFile({
    file,
    initialStock: 100,
    inFlight: options.inFlight ?? 1,
    ...(options.limit === undefined ? {} : { limit: options.limit }),
    shop: createShopClient({ apiUrl, clock: systemClock, retryForMs: options.retryForMs ?? 20_000 }),
    clock: systemClock,
  })

const posts = (seen: readonly Seen[]): Seen[] => seen.filter(one => one.method === 'POST')

describe('an import', () => {
  test('gives every SKU its stock, waits, then sends the invoices in file order', async () => {
    const { url, seen } = await listen(takeAll)
    const result = await run(url)
    expect(seen.map(one => `${one.method} ${one.path}`)).toEqual([
      'POST /stock/A/adjustments',
      'POST /stock/BANK CHARGES/adjustments',
      'POST /stock/B/adjustments',
      'GET /stock/A',
      'GET /stock/BANK CHARGES',
      'GET /stock/B',
      'POST /orders',
      'POST /stock/A/adjustments',
      'POST /stock/B/adjustments',
      'POST /orders',
    ])
    expect(posts(seen)[0]?.body).toEqual({ quantity: 100, reason: 'initial' })
    expect(posts(seen)[3]?.body).toEqual({
      customerId: '17850',
      lines: [
        { sku: 'A', quantity: 2, amountMinor: 300 },
        { sku: 'BANK CHARGES', quantity: 1, amountMinor: 300 },
      ],
    })
    expect(posts(seen)[5]?.body).toEqual({ quantity: 2, reason: 'return' })
    expect(result).toMatchObject({
      invoices: 4,
      rows: 6,
      skus: 3,
      orders: { accepted: 2, alreadyThere: 0, rejected: 0 },
      returns: { accepted: 1, adjustments: 2, units: 3 },
      skipped: { invoices: { 'no order row left': 1 }, rows: { 'price not positive': 1 } },
      lines: 3,
      units: 8,
      totalMinor: 1_600,
    })
  })

  test('every request has a key of its own, the same on every run, of visible ASCII', async () => {
    const first = await listen(takeAll)
    await run(first.url)
    const keys = posts(first.seen).map(one => one.key)
    expect(new Set(keys).size).toBe(keys.length)
    for (const key of keys) expect(key).toMatch(/^[\u0021-\u007E]{1,255}$/)
    server?.close()
    const second = await listen(takeAll)
    await run(second.url, { inFlight: 4 })
    expect(
      posts(second.seen)
        .map(one => one.key)
        .toSorted((left = '', right = '') => left.localeCompare(right)),
    ).toEqual([...keys].toSorted((left = '', right = '') => left.localeCompare(right)))
  })

  test('what is busy or still under way is asked again', async () => {
    const tries = new Map<string, number>()
    const { url } = await listen(seen => {
      const count = (tries.get(seen.key ?? seen.path) ?? 0) + 1
      tries.set(seen.key ?? seen.path, count)
      if (seen.method === 'POST' && count < 3) return { status: count === 1 ? 503 : 409 }
      return takeAll(seen)
    })
    expect(await run(url)).toMatchObject({ orders: { accepted: 2, rejected: 0 }, returns: { accepted: 1 } })
  })

  test('refusals are counted by code and do not end it', async () => {
    const { url } = await listen(seen =>
      seen.path === '/orders'
        ? { status: 400, body: { title: 'OutOfStock', detail: 'A: 1 left' } }
        : takeAll(seen),
    )
    expect(await run(url)).toMatchObject({
      orders: { accepted: 0, rejected: 2, rejectedBy: { OutOfStock: 2 } },
      refusals: [
        { invoice: '1', code: 'OutOfStock', detail: 'A: 1 left' },
        { invoice: '1 (2)', code: 'OutOfStock', detail: 'A: 1 left' },
      ],
    })
  })

  test('a service that stays busy ends it, to be run again', async () => {
    const { url } = await listen(seen => (seen.path === '/orders' ? { status: 503 } : takeAll(seen)))
    await expect(run(url, { retryForMs: 0 })).rejects.toMatchObject({ code: 'SLUICE_IMPORT_UNAVAILABLE' })
  })

  test('it says how many orders an earlier run had placed', async () => {
    const { url } = await listen(seen => ({ ...takeAll(seen), headers: { 'idempotency-replayed': 'true' } }))
    expect(await run(url)).toMatchObject({ orders: { accepted: 2, alreadyThere: 2 } })
  })

  test('the limit counts invoices of the file; stock is still given to all of its SKUs', async () => {
    const { url, seen } = await listen(takeAll)
    expect(await run(url, { limit: 2 })).toMatchObject({ invoices: 2, skus: 3, orders: { accepted: 1 } })
    expect(posts(seen)).toHaveLength(4)
  })

  test('refused first stock names the SKU and sends no invoice', async () => {
    const { url, seen } = await listen(() => ({ status: 422, body: { title: 'IdempotencyKeyReused' } }))
    await expect(run(url)).rejects.toMatchObject({
      code: 'SLUICE_IMPORT_STOCK_REFUSED',
      details: { sku: 'A' },
      remedy: expect.stringContaining('--initial-stock'),
    })
    expect(seen).toHaveLength(1)
  })

  test('a service that is away is an error with its address', async () => {
    const shop = createShopClient({ apiUrl: 'http://127.0.0.1:1', clock: systemClock, retryForMs: 0 })
    await expect(shop({ method: 'GET', path: '/orders/x' })).rejects.toMatchObject({
      code: 'SLUICE_API_UNREACHABLE',
      message: expect.stringContaining('http://127.0.0.1:1'),
    })
  })
})

describe('work in flight', () => {
  test('starts in order and never has more than the limit under way', async () => {
    const started: number[] = []
    let underWay = 0
    let most = 0
    await forEachInFlight([1, 2, 3, 4, 5, 6, 7], 3, async item => {
      started.push(item)
      underWay += 1
      most = Math.max(most, underWay)
      await new Promise(resolve => setImmediate(resolve))
      underWay -= 1
    })
    expect(started).toEqual([1, 2, 3, 4, 5, 6, 7])
    expect(most).toBe(3)
  })

  test('the first failure ends it after those under way have ended', async () => {
    const ended: number[] = []
    const work = forEachInFlight([1, 2, 3, 4], 2, async item => {
      await new Promise(resolve => setImmediate(resolve))
      ended.push(item)
      if (item === 1) throw new Error('one')
    })
    await expect(work).rejects.toThrow('one')
    expect(ended).toEqual([1, 2])
  })
})
