import { Client, types } from 'cassandra-driver'
import { messageOf, SluiceError } from '../core/errors.ts'
import type { StockGeneration, StockRow, StockStateRow, StockUpdateRow } from './evidence.ts'
import { toInteger } from './fields.ts'
import type { Intern } from './interner.ts'
import type { CheckTargets } from './types.ts'

const pageRows = 5_000
const concurrency = 16

export interface CassandraEvidence {
  readonly stock: Map<string, StockGeneration[]>
  readonly stockStates: Map<string, StockStateRow>
  readonly stockUpdates: Map<string, StockUpdateRow[]>
}

interface ReadOptions {
  readonly intern: Intern
  readonly signal?: AbortSignal
  /** Called with the rows read so far. */
  readonly onRows?: (count: number) => void
}

/** Opens a client of the check's own; the caller shuts it down. */
const openCassandra = async ({ cassandra, datacenter, keyspace }: CheckTargets): Promise<Client> => {
  const client = new Client({
    contactPoints: cassandra.split(',').map(address => address.trim()),
    localDataCenter: datacenter,
    keyspace,
    encoding: { useBigIntAsLong: true },
    queryOptions: { prepare: true, fetchSize: pageRows },
  })
  try {
    await client.connect()
  } catch (error) {
    await client.shutdown()
    throw new SluiceError({
      code: 'SLUICE_CHECK_CASSANDRA_UNREACHABLE',
      message: `cannot connect to Cassandra at ${cassandra}, keyspace ${keyspace}: ${messageOf(error)}`,
      remedy: 'see that it is up (`sluice stack status`), and that datacenter and keyspace are right',
      reaction: 'retry',
      cause: error,
    })
  }
  return client
}

/** All rows of a query, page by page, so that a table never is in memory as the driver's rows. */
const scan = async (
  client: Client,
  query: string,
  parameters: readonly unknown[],
  consistency: types.consistencies,
  onRow: (row: types.Row) => void,
  signal?: AbortSignal,
): Promise<void> => {
  let pageState: string | undefined
  do {
    signal?.throwIfAborted()
    const page: types.ResultSet = await client.execute(query, [...parameters], {
      prepare: true,
      consistency,
      ...(pageState !== undefined && { pageState }),
    })
    for (const row of page.rows) onRow(row)
    pageState = page.pageState ?? undefined
  } while (pageState !== undefined)
}

const timeOf = (value: unknown): number => (value instanceof Date ? value.getTime() : 0)

const integer = (row: types.Row, column: string, where: string): number =>
  toInteger(row[column] ?? 0, column, where)

const text = (row: types.Row, column: string): string => String(row[column] ?? '')

const stockQuery =
  'SELECT entry, available, mode, settled_version, adjusted, sold, closed, kind, quantity, state, at ' +
  'FROM stock WHERE sku = ? AND generation = ?'

/** One generation as Paxos has it: a SERIAL read completes what is in flight, a quorum read could miss it. */
const readGeneration = async (
  client: Client,
  sku: string,
  generation: number,
  options: ReadOptions,
): Promise<StockGeneration | undefined> => {
  const where = `stock of ${sku} generation ${generation}`
  let statics: types.Row | undefined
  const rows: StockRow[] = []
  await scan(
    client,
    stockQuery,
    [sku, generation],
    types.consistencies.serial,
    row => {
      statics ??= row
      if (text(row, 'entry') === '') return
      rows.push({
        entry: options.intern(text(row, 'entry')),
        kind: options.intern(text(row, 'kind')),
        quantity: integer(row, 'quantity', where),
        state: options.intern(text(row, 'state')),
        atMs: timeOf(row['at']),
      })
    },
    options.signal,
  )
  if (statics === undefined) return undefined
  return {
    generation,
    available: integer(statics, 'available', where),
    adjusted: integer(statics, 'adjusted', where),
    sold: integer(statics, 'sold', where),
    settledVersion: integer(statics, 'settled_version', where),
    mode: options.intern(text(statics, 'mode')),
    closed: statics['closed'] === true,
    rows,
  }
}

const readStock = async (client: Client, options: ReadOptions, onRows: (count: number) => void) => {
  const partitions: { sku: string; generation: number }[] = []
  await scan(client, 'SELECT DISTINCT sku, generation FROM stock', [], types.consistencies.quorum, row =>
    partitions.push({ sku: options.intern(text(row, 'sku')), generation: Number(row['generation']) }),
  )
  const stock = new Map<string, StockGeneration[]>()
  let next = 0
  const work = async (): Promise<void> => {
    for (let mine = partitions[next++]; mine !== undefined; mine = partitions[next++]) {
      const found = await readGeneration(client, mine.sku, mine.generation, options)
      if (found === undefined) continue
      stock.set(mine.sku, [...(stock.get(mine.sku) ?? []), found])
      onRows(found.rows.length + 1)
    }
  }
  await Promise.all(Array.from({ length: concurrency }, work))
  for (const generations of stock.values())
    generations.sort((one, other) => one.generation - other.generation)
  return stock
}

const parseUpdate = (row: types.Row, sku: string, intern: Intern): StockUpdateRow => {
  const where = `stock_update of ${sku}`
  return {
    version: integer(row, 'version', where),
    eventId: intern(text(row, 'event_id')),
    orderId: row['order_id'] === null || row['order_id'] === undefined ? null : intern(text(row, 'order_id')),
    type: intern(text(row, 'type')),
    quantity: integer(row, 'quantity', where),
    onHand: integer(row, 'on_hand', where),
    reserved: integer(row, 'reserved', where),
    sold: integer(row, 'sold', where),
  }
}

/** The three tables whole: `stock` partition by partition at SERIAL, the plain ones by quorum scans. */
export const readCassandra = async (
  targets: CheckTargets,
  options: ReadOptions,
): Promise<CassandraEvidence> => {
  const { intern, signal } = options
  let count = 0
  const onRows = (rows: number): void => {
    count += rows
    options.onRows?.(count)
  }
  const client = await openCassandra(targets)
  try {
    const stock = await readStock(client, options, onRows)
    const stockStates = new Map<string, StockStateRow>()
    const { quorum } = types.consistencies
    await scan(
      client,
      'SELECT sku, on_hand, reserved, sold, version FROM stock_state',
      [],
      quorum,
      row => {
        const sku = intern(text(row, 'sku'))
        const where = `stock_state of ${sku}`
        stockStates.set(sku, {
          onHand: integer(row, 'on_hand', where),
          reserved: integer(row, 'reserved', where),
          sold: integer(row, 'sold', where),
          version: integer(row, 'version', where),
        })
      },
      signal,
    )
    onRows(stockStates.size)
    const stockUpdates = new Map<string, StockUpdateRow[]>()
    let updates = 0
    await scan(
      client,
      'SELECT sku, version, event_id, order_id, type, quantity, on_hand, reserved, sold FROM stock_update',
      [],
      quorum,
      row => {
        const sku = intern(text(row, 'sku'))
        const rows = stockUpdates.get(sku)
        if (rows === undefined) stockUpdates.set(sku, [parseUpdate(row, sku, intern)])
        else rows.push(parseUpdate(row, sku, intern))
        updates += 1
        if (updates % pageRows === 0) onRows(pageRows)
      },
      signal,
    )
    for (const rows of stockUpdates.values()) rows.sort((one, other) => one.version - other.version)
    return { stock, stockStates, stockUpdates }
  } catch (error) {
    if (error instanceof SluiceError || signal?.aborted === true) throw error
    throw new SluiceError({
      code: 'SLUICE_CHECK_CASSANDRA_UNREADABLE',
      message: `cannot read keyspace ${targets.keyspace}: ${messageOf(error)}`,
      remedy: 'see that all replicas are up and that `sluice migrate` has made its tables',
      cause: error,
    })
  } finally {
    await client.shutdown()
  }
}
