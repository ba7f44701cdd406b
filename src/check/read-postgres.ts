import { Client } from 'pg'
import { messageOf, SluiceError } from '../core/errors.ts'
import type { AdjustmentRow, OrderRow, OutboxRow } from './evidence.ts'
import { fieldsOf, integerOf, listOf, textOf, toInteger, type Fields } from './fields.ts'
import type { Intern } from './interner.ts'
import { subjectOfOutbox } from './log/parse.ts'

const pageRows = 5_000

export interface PostgresEvidence {
  readonly orders: Map<string, OrderRow>
  readonly adjustments: Map<string, AdjustmentRow>
  readonly abandonedAdjustments: Set<string>
  readonly outboxRows: Map<string, OutboxRow>
}

interface ReadOptions {
  readonly intern: Intern
  readonly signal?: AbortSignal
  /** Called with the rows read so far. */
  readonly onRows?: (count: number) => void
}

/** Opens a client of the check's own; the caller ends it. */
export const openPostgres = async (url: string): Promise<Client> => {
  const client = new Client({ connectionString: url, application_name: 'sluice-check' })
  // A broken connection also fails the query that waits on it, which is where it is reported.
  client.on('error', () => {})
  try {
    await client.connect()
  } catch (error) {
    throw new SluiceError({
      code: 'SLUICE_CHECK_POSTGRES_UNREACHABLE',
      message: `cannot connect to Postgres: ${messageOf(error)}`,
      remedy: 'see that it is up (`sluice stack status`) and that its URL is right',
      reaction: 'retry',
      cause: error,
    })
  }
  return client
}

const scan = async (
  client: Client,
  query: string,
  onRow: (row: Fields) => void,
  { signal }: ReadOptions,
): Promise<void> => {
  await client.query(`DECLARE scan NO SCROLL CURSOR FOR ${query}`)
  for (;;) {
    signal?.throwIfAborted()
    const { rows } = await client.query<Fields>(`FETCH ${pageRows} FROM scan`)
    for (const row of rows) onRow(row)
    if (rows.length < pageRows) break
  }
  await client.query('CLOSE scan')
}

const parseOrder = (row: Fields, where: string, intern: Intern): OrderRow => ({
  status: intern(textOf(row, 'status', where)),
  totalMinor: toInteger(row['total_minor'], 'total_minor', where),
  lines: listOf(row, 'lines', where).map(line => {
    const fields = fieldsOf(line, where)
    return { sku: intern(textOf(fields, 'sku', where)), quantity: integerOf(fields, 'quantity', where) }
  }),
})

/** Orders, adjustments and outbox rows, from one snapshot. */
export const readPostgres = async (url: string, options: ReadOptions): Promise<PostgresEvidence> => {
  const { intern } = options
  const evidence: PostgresEvidence = {
    orders: new Map(),
    adjustments: new Map(),
    abandonedAdjustments: new Set(),
    outboxRows: new Map(),
  }
  let count = 0
  const counted =
    (onRow: (row: Fields, id: string) => void) =>
    (row: Fields): void => {
      onRow(row, intern(String(row['id'])))
      count += 1
      if (count % pageRows === 0) options.onRows?.(count)
    }
  const client = await openPostgres(url)
  try {
    await client.query('BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY')
    await scan(
      client,
      'SELECT id::text, status, lines, total_minor::text FROM orders',
      counted((row, id) => evidence.orders.set(id, parseOrder(row, `orders ${id}`, intern))),
      options,
    )
    await scan(
      client,
      'SELECT id::text, sku, quantity::text, status FROM stock_adjustment',
      counted((row, id) => {
        const where = `stock_adjustment ${id}`
        if (textOf(row, 'status', where) === 'abandoned') {
          evidence.abandonedAdjustments.add(id)
          return
        }
        evidence.adjustments.set(id, {
          sku: intern(textOf(row, 'sku', where)),
          quantity: toInteger(row['quantity'], 'quantity', where),
        })
      }),
      options,
    )
    await scan(
      client,
      'SELECT id::text, type, aggregateid, payload FROM outbox_event',
      counted((row, id) => {
        const where = `outbox_event ${id}`
        const type = intern(textOf(row, 'type', where))
        const aggregateId = intern(textOf(row, 'aggregateid', where))
        const subjectId = intern(subjectOfOutbox(type, aggregateId, row['payload'], where))
        evidence.outboxRows.set(id, { type, aggregateId, subjectId })
      }),
      options,
    )
    options.onRows?.(count)
    return evidence
  } catch (error) {
    if (error instanceof SluiceError || options.signal?.aborted === true) throw error
    throw new SluiceError({
      code: 'SLUICE_CHECK_POSTGRES_UNREADABLE',
      message: `cannot read Postgres: ${messageOf(error)}`,
      remedy:
        'see that the database is the one the order service writes to (`sluice migrate` makes its tables)',
      cause: error,
    })
  } finally {
    await client.end()
  }
}
