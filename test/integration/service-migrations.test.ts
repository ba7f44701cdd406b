import { randomBytes } from 'node:crypto'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { migratePostgres } from '../../src/orders/migrations/postgres.ts'
import { stack } from './support/stack.ts'

const name = `migrate_${randomBytes(5).toString('hex')}`
const url = new URL(stack.postgres)
url.pathname = `/${name}`
const admin = new Client({ connectionString: stack.postgres })
const sql = new Client({ connectionString: url.href })

beforeAll(async () => {
  await admin.connect()
  await admin.query(`CREATE DATABASE ${name}`)
  await sql.connect()
})

afterAll(async () => {
  await sql.end()
  await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
  await admin.end()
})

test('several processes migrate at once, each file is applied once, and again changes nothing', async () => {
  const reports = await Promise.all(Array.from({ length: 3 }, () => migratePostgres(url.href)))
  const files = ['001-orders.sql', '002-publication.sql']
  expect(
    reports.flatMap(report => report.applied).toSorted((one, other) => one.localeCompare(other)),
  ).toEqual(files)
  expect(await migratePostgres(url.href)).toEqual({ applied: [], present: files })
})

test('the outbox has the columns of Debezium’s outbox first, and is published for inserts only', async () => {
  const columns = await sql.query<{ column_name: string }>(
    `SELECT column_name FROM information_schema.columns WHERE table_name = 'outbox_event' ORDER BY ordinal_position`,
  )
  expect(columns.rows.map(row => row.column_name)).toEqual([
    'id',
    'aggregatetype',
    'aggregateid',
    'type',
    'payload',
    'created_at',
  ])
  const publications = await sql.query(
    `SELECT pubinsert, pubupdate, pubdelete, pubtruncate, tablename
     FROM pg_publication JOIN pg_publication_tables USING (pubname) WHERE pubname = 'sluice_outbox'`,
  )
  expect(publications.rows).toEqual([
    { pubinsert: true, pubupdate: false, pubdelete: false, pubtruncate: false, tablename: 'outbox_event' },
  ])
})

test('a file that was changed after it had been applied is refused by name', async () => {
  await sql.query(`UPDATE schema_migration SET sha256 = 'other' WHERE name = '001-orders.sql'`)
  await expect(migratePostgres(url.href)).rejects.toMatchObject({
    code: 'SLUICE_MIGRATE_CHANGED',
    details: { name: '001-orders.sql' },
  })
})

test('a server that is not there is an error that says what to do', async () => {
  await expect(migratePostgres('postgres://x:canary@127.0.0.1:1/x')).rejects.toMatchObject({
    code: 'SLUICE_MIGRATE_FAILED',
    message: expect.not.stringContaining('canary'),
    remedy: expect.stringContaining('reachable'),
  })
})
