import type { Cassandra } from '../../cassandra/client.ts'
import type { CassandraRow } from '../../cassandra/values.ts'
import { integer, text } from '../../cassandra/values.ts'
import { tableIn, type ViewTarget } from '../view-target.ts'

/** A row of a view, ready to be compared. */
export interface ViewRow {
  /** Of its partition: both keyspaces give their rows in the order of these. */
  readonly token: bigint
  readonly sku: string
  /** Empty in `stock_state`. */
  readonly bucket: string
  readonly version: number
  readonly onHand: number
  readonly reserved: number
  readonly sold: number
  /** Every other column as text, the time of writing among them. */
  readonly rest: string
}

/** The views that are rebuilt. */
export type ViewTable = 'stock_state' | 'stock_update'

const columns = {
  stock_state: 'token(sku) AS place, sku, version, on_hand, reserved, sold, updated_at',
  stock_update:
    'token(sku, bucket) AS place, sku, bucket, version, event_id, order_id, type, quantity, on_hand, reserved, sold, at',
} as const
const written = 'writetime(on_hand) AS written'

const named = new Set(['place', 'sku', 'bucket', 'version', 'on_hand', 'reserved', 'sold'])

const rowOf = (table: ViewTable, row: CassandraRow): ViewRow => ({
  token: row['place'] as bigint,
  sku: text(row, 'sku'),
  bucket: table === 'stock_state' ? '' : text(row, 'bucket'),
  version: integer(row, 'version'),
  onHand: integer(row, 'on_hand'),
  reserved: integer(row, 'reserved'),
  sold: integer(row, 'sold'),
  rest: Object.keys(row)
    .filter(column => !named.has(column))
    .map(column => `${column} ${textOf(row[column])}`)
    .join(', '),
})

const textOf = (value: unknown): string => (value instanceof Date ? value.toISOString() : String(value))

/** All rows of a view, in the order of their tokens, newest version first. */
export async function* scanView(
  cassandra: Cassandra,
  target: ViewTarget,
  table: ViewTable,
): AsyncGenerator<ViewRow> {
  const query = `SELECT ${columns[table]}, ${written} FROM ${tableIn(target)(table)}`
  for await (const row of cassandra.scan({ query, params: [] }, 5_000)) yield rowOf(table, row)
}

/** One row as it is now; undefined where there is none. */
export const readViewRow = async (
  cassandra: Cassandra,
  target: ViewTarget,
  table: ViewTable,
  { sku, bucket, version }: RowPlace,
): Promise<ViewRow | undefined> => {
  const [where, params] =
    table === 'stock_state'
      ? ['sku = ?', [sku]]
      : ['sku = ? AND bucket = ? AND version = ?', [sku, bucket, BigInt(version)]]
  const query = `SELECT ${columns[table]}, ${written} FROM ${tableIn(target)(table)} WHERE ${where}`
  const [row] = await cassandra.read({ query, params }, 'quorum')
  return row === undefined ? undefined : rowOf(table, row)
}

/** A row's primary key; in `stock_state` the version is not a part of it. */
export type RowPlace = Pick<ViewRow, 'sku' | 'bucket' | 'version'>

/** The same row in both keyspaces, or one that only one of them has. */
export interface RowPair {
  readonly place: RowPlace
  readonly live: ViewRow | undefined
  readonly replayed: ViewRow | undefined
}

const byPlace =
  (table: ViewTable) =>
  (one: ViewRow, other: ViewRow): number => {
    if (one.token !== other.token) return one.token < other.token ? -1 : 1
    const [place, otherPlace] = [`${one.sku}\0${one.bucket}`, `${other.sku}\0${other.bucket}`]
    if (place !== otherPlace) return place < otherPlace ? -1 : 1
    return table === 'stock_state' ? 0 : other.version - one.version
  }

/** Brings the rows of two scans together, holding one of each at a time. */
export async function* pairRows(
  table: ViewTable,
  live: AsyncIterator<ViewRow>,
  replayed: AsyncIterator<ViewRow>,
): AsyncGenerator<RowPair> {
  const compare = byPlace(table)
  const next = async (rows: AsyncIterator<ViewRow>): Promise<ViewRow | undefined> => {
    const result = await rows.next()
    return result.done === true ? undefined : result.value
  }
  let [one, other] = [await next(live), await next(replayed)]
  for (;;) {
    const first = one ?? other
    if (first === undefined) return
    const order = one === undefined ? 1 : other === undefined ? -1 : compare(one, other)
    const pair = { live: order <= 0 ? one : undefined, replayed: order >= 0 ? other : undefined }
    yield { place: pair.live ?? pair.replayed ?? first, ...pair }
    if (order <= 0) one = await next(live)
    if (order >= 0) other = await next(replayed)
  }
}

const numbersOf = ({ onHand, reserved, sold }: ViewRow): string =>
  `on hand ${onHand}, reserved ${reserved}, sold ${sold}`

/** What two rows of the same place have differently, in words; undefined when they are equal in every column. */
export const rowDifference = ({ live, replayed }: Pick<RowPair, 'live' | 'replayed'>): string | undefined => {
  if (live === undefined) return 'is only in the replay'
  if (replayed === undefined) return 'is not in the replay'
  if (live.version !== replayed.version) return `version ${live.version} live, ${replayed.version} replayed`
  if (numbersOf(live) !== numbersOf(replayed))
    return `version ${live.version}: ${numbersOf(live)} live; ${numbersOf(replayed)} replayed`
  return live.rest === replayed.rest
    ? undefined
    : `version ${live.version}: ${live.rest} live; ${replayed.rest} replayed`
}

/** Whether a state's numbers are those that the other keyspace's history has for its version. */
export const hasNumbersOf = (state: ViewRow, history: ViewRow | undefined): boolean =>
  history !== undefined && history.version === state.version && numbersOf(history) === numbersOf(state)
