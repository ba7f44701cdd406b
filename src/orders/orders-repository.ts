import type { Postgres, Statement } from '../postgres/pool.ts'
import type { EntryRepository } from './entry-repository.ts'
import { createGroupCommit } from './group-commit.ts'
import type { Order, OrderLine, OrderStatus } from './order.ts'
import { orderCreated } from './outbox.ts'

const commitOrders: Statement = {
  name: 'commit-orders-1',
  text: `WITH incoming AS (
    SELECT * FROM json_to_recordset($1::json) AS row (id uuid, customer_id text, lines jsonb, total_minor bigint,
      created_at timestamptz, event_id uuid, payload jsonb, idempotency_key text)
  ), accepted AS (
    INSERT INTO orders (id, customer_id, status, lines, total_minor, created_at)
    SELECT id, customer_id, 'created', lines, total_minor, created_at FROM incoming
    ON CONFLICT (id) DO NOTHING RETURNING id
  ), announced AS (
    INSERT INTO outbox_event (id, aggregatetype, aggregateid, type, payload)
    SELECT event_id, 'order', id::text, 'OrderCreated', payload FROM incoming JOIN accepted USING (id)
  ), completed AS (
    UPDATE idempotency_key AS claim SET state = 'done' FROM incoming JOIN accepted USING (id)
    WHERE claim.key = incoming.idempotency_key AND claim.entry_id = incoming.id
  )
  SELECT id FROM accepted`,
}

const abandonOrder: Statement = {
  name: 'abandon-order-1',
  text: `INSERT INTO orders (id, customer_id, status, lines, total_minor, created_at)
    VALUES ($1, '', 'abandoned', '[]', 0, now()) ON CONFLICT (id) DO NOTHING RETURNING id`,
}

const findOrder: Statement = {
  name: 'find-order-1',
  text: 'SELECT id, customer_id, status, lines, total_minor, created_at FROM orders WHERE id = $1',
}

interface OrderRow {
  readonly id: string
  readonly customer_id: string
  readonly status: OrderStatus | 'abandoned'
  readonly lines: readonly OrderLine[]
  readonly total_minor: number
  readonly created_at: Date
}

interface Commit {
  readonly order: Order
  readonly idempotencyKey: string | undefined
}

const rowOf = ({ order, idempotencyKey }: Commit) => {
  const event = orderCreated(order)
  return {
    id: order.id,
    customer_id: order.customerId,
    lines: order.lines,
    total_minor: order.totalMinor,
    created_at: new Date(order.createdAt).toISOString(),
    event_id: event.id,
    payload: event.payload,
    idempotency_key: idempotencyKey ?? null,
  }
}

/**
 * Orders in Postgres. Commits that wait at the same moment share one transaction: one abandoned order among them leaves
 * its neighbours alone.
 */
export const createOrdersRepository = (postgres: Postgres): EntryRepository<Order> => {
  const find = async (id: string): Promise<OrderRow | undefined> => {
    const [row] = await postgres.query<OrderRow>(findOrder, [id])
    return row
  }
  const commits = createGroupCommit<Commit, boolean>({
    maxConcurrent: 4,
    maxWeight: 4_000,
    weigh: commit => commit.order.lines.length,
    run: async batch => {
      const rows = await postgres.query<{ id: string }>(commitOrders, [JSON.stringify(batch.map(rowOf))])
      const accepted = new Set(rows.map(row => row.id))
      return batch.map(commit => accepted.has(commit.order.id))
    },
  })
  return {
    find: async id => {
      const row = await find(id)
      if (row === undefined || row.status === 'abandoned') return undefined
      return {
        id: row.id,
        customerId: row.customer_id,
        status: row.status,
        lines: row.lines,
        totalMinor: row.total_minor,
        createdAt: row.created_at.getTime(),
      }
    },
    commit: (order, idempotencyKey) => commits.add({ order, idempotencyKey }),
    abandonUnlessAccepted: async id => {
      const won = await postgres.query(abandonOrder, [id])
      if (won.length > 0) return 'abandoned'
      return (await find(id))?.status === 'abandoned' ? 'abandoned' : 'accepted'
    },
  }
}
