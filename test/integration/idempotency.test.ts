import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { newId } from '../../src/core/ids.ts'
import { newOrderId } from '../../src/orders/entry-id.ts'
import { fingerprintOf } from '../../src/orders/fingerprint.ts'
import type { RunningOrderService } from '../../src/orders/http/run.ts'
import { createIdempotencyKeys } from '../../src/orders/idempotency.ts'
import { createPostgres } from '../../src/postgres/pool.ts'
import { silentLogger } from '../../src/core/log.ts'
import { openShop, orderOf, send } from './support/shop.ts'
import type { Answer, Shop } from './support/shop.ts'
import { stack } from './support/stack.ts'

let shop: Shop
/** Two processes' worth of services on the same servers. */
let services: readonly RunningOrderService[]

beforeAll(async () => {
  shop = await openShop(stack)
  services = [await shop.start(), await shop.start()]
})

afterAll(() => shop.close())

const newKey = (): string => `key-${randomBytes(8).toString('hex')}`
const urlOf = (index: number): string => services[index % services.length]?.url ?? ''

/** Repeats a request as a client would, until it is no longer being worked on, and while the service has too much to do. */
const insist = async (index: number, path: string, body: unknown, key: string): Promise<Answer> => {
  for (;;) {
    const reply = await send(`${urlOf(index)}${path}`, body, { 'idempotency-key': key })
    if (reply.status !== 409 && reply.status !== 503) return reply
    expect(Number(reply.headers.get('retry-after'))).toBeGreaterThan(0)
    // Six times as eager as it is asked to be; without any pause the repetitions alone would keep two cores busy.
    await systemClock.sleep(150)
  }
}

const rowsOf = async (table: 'orders' | 'stock_adjustment', id: unknown): Promise<number> => {
  const { rows } = await shop.sql.query<{ count: string }>(`SELECT count(*) FROM ${table} WHERE id = $1`, [
    id,
  ])
  return Number(rows[0]?.count)
}

describe('Idempotency-Key', () => {
  test('the same request again gets the same answer and changes nothing', async () => {
    await shop.stock('A', 10)
    const key = newKey()
    const first = await insist(0, '/orders', orderOf('A'), key)
    const again = await insist(1, '/orders', { lines: orderOf(' A ').lines, customerId: 'c-1' }, key)
    expect([first.status, again.status]).toEqual([201, 201])
    expect(again.body).toEqual(first.body)
    expect(again.headers.get('location')).toBe(first.headers.get('location'))
    expect(await shop.content('A')).toMatchObject({ available: 9, held: 1 })
  })

  test('a confirmed order is still answered as it was at first', async () => {
    await shop.stock('A1', 10)
    const key = newKey()
    const first = await insist(0, '/orders', orderOf('A1'), key)
    await shop.sql.query(`UPDATE orders SET status = 'confirmed' WHERE id = $1`, [first.body['id']])
    expect((await insist(1, '/orders', orderOf('A1'), key)).body).toEqual(first.body)
  })

  test('another body, or another operation, under the same key is 422', async () => {
    await shop.stock('B', 10)
    const key = newKey()
    await insist(0, '/orders', orderOf('B'), key)
    for (const [path, body] of [
      ['/orders', orderOf('B', 2)],
      ['/stock/B/adjustments', { quantity: 1, reason: 'x' }],
    ] as const) {
      const reply = await insist(1, path, body, key)
      expect([reply.status, reply.body['code']]).toEqual([422, 'KeyReused'])
    }
    expect(await shop.content('B')).toMatchObject({ available: 9 })
  })

  test('of many requests at once under one key one is made, on any number of services', async () => {
    await shop.stock('C', 1_000)
    const keys = Array.from({ length: 20 }, newKey)
    const replies = await Promise.all(
      keys.flatMap(key =>
        Array.from({ length: 6 }, async (_, index) => ({
          key,
          reply: await insist(index, '/orders', orderOf('C', 3), key),
        })),
      ),
    )
    expect(replies.every(({ reply }) => reply.status === 201)).toBe(true)
    for (const key of keys) {
      const ids = new Set(replies.filter(each => each.key === key).map(({ reply }) => reply.body['id']))
      expect(ids.size).toBe(1)
    }
    // What a try that was answered 503 has held is given back behind its answer.
    await expect
      .poll(() => shop.content('C'), { timeout: 60_000 })
      .toMatchObject({ available: 1_000 - 20 * 3, held: 20 * 3 })
  })

  test('too little stock leaves the key free for a smaller order', async () => {
    await shop.stock('D', 2)
    const key = newKey()
    expect((await insist(0, '/orders', orderOf('D', 3), key)).body['code']).toBe('OutOfStock')
    expect((await insist(1, '/orders', orderOf('D', 2), key)).status).toBe(201)
  })

  test('an adjustment is made once too', async () => {
    const key = newKey()
    const body = { quantity: 7, reason: 'restock' }
    const replies = await Promise.all(
      Array.from({ length: 8 }, (_, index) => insist(index, '/stock/E/adjustments', body, key)),
    )
    expect(new Set(replies.map(reply => reply.body['adjustmentId'])).size).toBe(1)
    expect(await rowsOf('stock_adjustment', replies[0]?.body['adjustmentId'])).toBe(1)
    const { rows } = await shop.sql.query(`SELECT count(*) FROM outbox_event WHERE aggregateid = 'E'`)
    expect(rows).toEqual([{ count: '1' }])
  })
})

describe('a key whose owner died', () => {
  const claimAsDead = async (sku: string, id: string): Promise<string> => {
    const key = newKey()
    await shop.sql.query(
      `INSERT INTO idempotency_key (key, fingerprint, entry_id, state, lease_until)
       VALUES ($1, $2, $3, 'in-progress', now() - interval '1 s')`,
      [key, fingerprintOf('POST /orders', orderOf(sku)), id],
    )
    return key
  }

  test('before it had committed: its id is abandoned, and a new order is made', async () => {
    await shop.stock('F', 5)
    const dead = newOrderId()
    const key = await claimAsDead('F', dead)
    const replies = await Promise.all(
      Array.from({ length: 6 }, (_, index) => insist(index, '/orders', orderOf('F'), key)),
    )
    expect(new Set(replies.map(reply => reply.body['id'])).size).toBe(1)
    expect(replies[0]?.body['id']).not.toBe(dead)
    const { rows } = await shop.sql.query('SELECT status FROM orders WHERE id = $1', [dead])
    expect(rows).toEqual([{ status: 'abandoned' }])
    expect((await fetch(`${urlOf(0)}/orders/${dead}`)).status).toBe(404)
    expect(await shop.content('F')).toMatchObject({ available: 4, held: 1 })
  })

  test('after it had committed: its order is the answer', async () => {
    await shop.stock('G', 5)
    const reply = await send(`${urlOf(0)}/orders`, orderOf('G'))
    const key = await claimAsDead('G', String(reply.body['id']))
    expect((await insist(1, '/orders', orderOf('G'), key)).body).toEqual(reply.body)
    expect(await shop.content('G')).toMatchObject({ available: 4, held: 1 })
  })
})

test('old keys are pruned, those at work are kept', async () => {
  const postgres = createPostgres({ url: shop.addresses.postgres, log: silentLogger })
  try {
    const keys = createIdempotencyKeys(postgres, 60_000)
    const [old, working] = [newKey(), newKey()]
    for (const key of [old, working]) await keys.claim({ key, fingerprint: 'f', entryId: newId() })
    await shop.sql.query(
      `UPDATE idempotency_key SET created_at = now() - interval '2 days', lease_until = now() - interval '2 days'
       WHERE key = $1`,
      [old],
    )
    expect(await keys.prune(86_400_000)).toBe(1)
    expect(await keys.claim({ key: old, fingerprint: 'other', entryId: newId() })).toEqual({ kind: 'fresh' })
    expect(await keys.claim({ key: working, fingerprint: 'f', entryId: newId() })).toEqual({
      kind: 'in-progress',
    })
  } finally {
    await postgres.close()
  }
})
