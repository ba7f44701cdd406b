import { derivedId } from '../../core/ids.ts'
import type { Postgres, Statement } from '../../postgres/pool.ts'
import type { OrderLine } from '../order.ts'

/** What Postgres knows of an order. Times in milliseconds since the epoch. */
export interface PostgresEvidence {
  readonly order:
    | {
        readonly status: 'created' | 'confirmed' | 'rejected' | 'abandoned'
        readonly customerId: string
        readonly lines: readonly OrderLine[]
        readonly totalMinor: number
        readonly createdAt: number
      }
    | undefined
  readonly key: { readonly key: string; readonly state: string; readonly claimedAt: number } | undefined
  /** The outbox row, while it is in the table. */
  readonly outboxAt: number | undefined
}

const findOrder: Statement = {
  name: 'trace-order-1',
  text: 'SELECT status, customer_id, lines, total_minor, created_at FROM orders WHERE id = $1',
}
// There is no index by entry: a look now and then is no reason for every order to pay for one.
const findKey: Statement = {
  name: 'trace-key-1',
  text: 'SELECT key, state, created_at FROM idempotency_key WHERE entry_id = $1',
}
const findOutbox: Statement = {
  name: 'trace-outbox-1',
  text: 'SELECT created_at FROM outbox_event WHERE id = $1',
}

interface OrderRow {
  readonly status: 'created' | 'confirmed' | 'rejected' | 'abandoned'
  readonly customer_id: string
  readonly lines: readonly OrderLine[]
  readonly total_minor: number
  readonly created_at: Date
}

interface KeyRow {
  readonly key: string
  readonly state: string
  readonly created_at: Date
}

/** The id of the outbox event that announces an order. */
export const outboxEventIdOf = (orderId: string): string => derivedId(orderId, 'OrderCreated', 0)

/** Reads the order's rows. Rejects with `SLUICE_POSTGRES_*`. */
export const readPostgres = async (
  postgres: Pick<Postgres, 'query'>,
  orderId: string,
): Promise<PostgresEvidence> => {
  const [[order], [key], [outbox]] = await Promise.all([
    postgres.query<OrderRow>(findOrder, [orderId]),
    postgres.query<KeyRow>(findKey, [orderId]),
    postgres.query<{ readonly created_at: Date }>(findOutbox, [outboxEventIdOf(orderId)]),
  ])
  return {
    order: order && {
      status: order.status,
      customerId: order.customer_id,
      lines: order.lines,
      totalMinor: order.total_minor,
      createdAt: order.created_at.getTime(),
    },
    key: key && { key: key.key, state: key.state, claimedAt: key.created_at.getTime() },
    outboxAt: outbox?.created_at.getTime(),
  }
}
