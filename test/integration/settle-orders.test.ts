import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newId } from '../../src/core/ids.ts'
import { silentLogger } from '../../src/core/log.ts'
import { migratePostgres } from '../../src/orders/migrations/postgres.ts'
import { settleOrders } from '../../src/orders/settlement.ts'
import { createPostgres } from '../../src/postgres/pool.ts'
import type { Postgres } from '../../src/postgres/pool.ts'
import { stack } from './support/stack.ts'

const database = `settle_${newId().slice(-12)}`
let postgres: Postgres

const asAdmin = async (sql: string): Promise<void> => {
  const client = new Client({ connectionString: stack.postgres })
  await client.connect()
  await client.query(sql)
  await client.end()
}

beforeAll(async () => {
  await asAdmin(`CREATE DATABASE ${database}`)
  const url = new URL(stack.postgres)
  url.pathname = `/${database}`
  await migratePostgres(url.href)
  postgres = createPostgres({ url: url.href, log: silentLogger })
})
afterAll(async () => {
  await postgres.close()
  await asAdmin(`DROP DATABASE ${database} WITH (FORCE)`)
})

const insert = async (status: string): Promise<string> => {
  const id = newId()
  const text = `INSERT INTO orders (id, customer_id, status, lines, total_minor, created_at)
                VALUES ($1, 'guest', $2, '[]', 0, now())`
  await postgres.query({ name: 'test-insert', text }, [id, status])
  return id
}

const statusOf = async (id: string): Promise<string | undefined> => {
  const text = 'SELECT status FROM orders WHERE id = $1'
  return (await postgres.query<{ status: string }>({ name: 'test-status', text }, [id]))[0]?.status
}

test('a turn of ends is written once, and what has ended keeps its end', async () => {
  const at = Date.UTC(2011, 0, 4)
  const [confirmed, rejected, abandoned, untouched] = [
    await insert('created'),
    await insert('created'),
    await insert('abandoned'),
    await insert('created'),
  ]
  const turn = [
    { orderId: confirmed, status: 'confirmed', at },
    { orderId: rejected, status: 'rejected', at },
    { orderId: abandoned, status: 'confirmed', at },
    { orderId: newId(), status: 'confirmed', at },
    { orderId: confirmed, status: 'rejected', at },
  ] as const
  const expected = ['confirmed', 'rejected', 'abandoned', 'created']
  const statuses = (): Promise<(string | undefined)[]> =>
    Promise.all([confirmed, rejected, abandoned, untouched].map(statusOf))
  await settleOrders(turn, postgres)
  expect(await statuses()).toEqual(expected)
  await settleOrders(turn.toReversed(), postgres)
  await settleOrders([], postgres)
  expect(await statuses()).toEqual(expected)
})
