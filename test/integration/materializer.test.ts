import { afterAll, beforeAll, expect, test } from 'vitest'
import type { StockUpdate } from '../../schemas/types.ts'
import type { CassandraRow } from '../../src/cassandra/values.ts'
import { newId } from '../../src/core/ids.ts'
import { createMaterializer } from '../../src/orders/materializer.ts'
import { createTestKeyspace } from './support/keyspace.ts'
import type { TestKeyspace } from './support/keyspace.ts'
import { stockUpdate } from './support/stock-book.ts'

let keyspace: TestKeyspace

beforeAll(async () => {
  keyspace = await createTestKeyspace('materializer')
})
afterAll(() => keyspace.drop())

const dayMs = 86_400_000

const history = (sku: string, count: number): StockUpdate[] =>
  Array.from({ length: count }, (_, index) =>
    stockUpdate({
      sku,
      version: index + 1,
      type: index % 2 === 0 ? 'adjustment' : 'sale',
      orderId: index % 2 === 0 ? null : newId(),
      quantity: 1,
      onHand: 100 + index,
      reserved: index,
      sold: 2 * index,
      at: Date.UTC(2011, 0, 1) + Math.floor(index / 30) * dayMs + index,
    }),
  )

const stateOf = async (sku: string): Promise<readonly CassandraRow[]> =>
  keyspace.cassandra.read({ query: 'SELECT * FROM stock_state WHERE sku = ?', params: [sku] }, 'quorum')

const historyOf = async (sku: string): Promise<CassandraRow[]> => {
  const rows: CassandraRow[] = []
  for (const bucket of ['2011-01-01', '2011-01-02', '2011-01-03']) {
    const query = 'SELECT * FROM stock_update WHERE sku = ? AND bucket = ?'
    rows.push(...(await keyspace.cassandra.read({ query, params: [sku, bucket] }, 'quorum')))
  }
  return rows
}

test('a turn leaves the last state and the whole history, newest first in the day of each event', async () => {
  const materializer = createMaterializer({ cassandra: keyspace.cassandra })
  const skus = [newId(), newId()]
  const updates = skus.flatMap(sku => history(sku, 70))
  await materializer.materialize(updates)
  for (const sku of skus) {
    expect(await stateOf(sku)).toMatchObject([
      {
        sku,
        on_hand: 169n,
        reserved: 69n,
        sold: 138n,
        version: 70n,
        updated_at: new Date(updates[69]?.at ?? 0),
      },
    ])
    const rows = await historyOf(sku)
    const newestFirst = (from: number, to: number): bigint[] =>
      Array.from({ length: from - to + 1 }, (_, index) => BigInt(from - index))
    expect(rows.map(row => row['version'])).toEqual([
      ...newestFirst(30, 1),
      ...newestFirst(60, 31),
      ...newestFirst(70, 61),
    ])
    const last = updates.find(update => update.sku === sku && update.version === 70)
    expect(rows.find(row => row['version'] === 70n)).toMatchObject({
      type: 'sale',
      quantity: 1n,
      at: new Date(last?.at ?? 0),
    })
    expect(String(rows.find(row => row['version'] === 70n)?.['order_id'])).toBe(last?.orderId)
    expect(rows.find(row => row['version'] === 1n)?.['order_id']).toBeNull()
  }
})

test('neither a replay nor a former owner puts a row back', async () => {
  const sku = newId()
  const updates = history(sku, 20)
  const materializer = createMaterializer({ cassandra: keyspace.cassandra })
  await materializer.materialize(updates)
  const [state, rows] = [await stateOf(sku), await historyOf(sku)]
  await materializer.materialize(updates.slice(0, 10))
  await createMaterializer({ cassandra: keyspace.cassandra }).materialize(updates.slice(3, 4))
  await Promise.all(updates.map(update => materializer.materialize([update])))
  expect(await stateOf(sku)).toEqual(state)
  expect(await historyOf(sku)).toEqual(rows)
})
