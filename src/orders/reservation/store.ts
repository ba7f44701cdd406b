import type { Cassandra, ReadConsistency, Statement } from '../../cassandra/client.ts'
import { optionalInteger } from '../../cassandra/values.ts'
import type { Clock } from '../../core/clock.ts'
import type { StockPartition, StockRow, StockRowState, StockSnapshot } from './partition.ts'
import { sentinelEntry, snapshotOf } from './partition.ts'

/** A change of one row, as part of a change of its partition. */
export type RowChange =
  /** Refused where the row exists. */
  | { readonly change: 'insert'; readonly row: StockRow }
  /** `expect`: refused where the row is in another state; without it the partition's version vouches for the state. */
  | {
      readonly change: 'set'
      readonly entry: string
      readonly state: StockRowState
      readonly settledBy: number | null
      readonly expect?: StockRowState
    }

/** `refused` carries what made the write fail, so that the next attempt needs no read. */
export type ChangeOutcome =
  | { readonly outcome: 'applied' }
  | { readonly outcome: 'refused'; readonly snapshot: StockSnapshot }
  | { readonly outcome: 'unknown' }

/**
 * The table `stock` as a set of registers: every write is a compare-and-set of one generation's statics, together with
 * its rows. Rejects with `SLUICE_CASSANDRA_*`; a conditional write only when it was certainly not executed.
 */
export interface StockStore {
  read(
    sku: string,
    generation: number,
    entries: readonly string[],
    consistency: ReadConsistency,
  ): Promise<StockSnapshot>
  /** Refused unless the generation is open and exactly `from`. */
  change(from: StockPartition, to: StockPartition, rows: readonly RowChange[]): Promise<ChangeOutcome>
  /** Opens a generation with its sentinel; refused where it exists. */
  open(partition: StockPartition): Promise<ChangeOutcome['outcome']>
  /** Ends held rows of a closed generation, all or none; its statics stay. */
  endRows(
    sku: string,
    generation: number,
    rows: readonly Omit<RowSet, 'expect'>[],
  ): Promise<ChangeOutcome['outcome']>
  /** All rows of a generation but the sentinel, in pages. */
  rows(sku: string, generation: number): AsyncIterable<StockRow>
  /** Deletes a closed generation whole; refused unless it is exactly `partition`. */
  remove(partition: StockPartition): Promise<ChangeOutcome['outcome']>
  /** Where to begin to look for the current generation: at it or before it, never beyond. */
  hint(sku: string): Promise<number>
  setHint(sku: string, generation: number): Promise<void>
}

type RowSet = Extract<RowChange, { change: 'set' }>

const statics = 'available, version, mode, settled_version, adjusted, sold, "entries", closed'
const key = 'WHERE sku = ? AND generation = ?'

const select = `SELECT entry, kind, quantity, state, settled_by, at, ${statics} FROM stock ${key} AND entry IN ?`

// The version alone decides; the other columns are named because a refused write returns the columns of its condition.
const updateStatics = `UPDATE stock SET available = ?, version = ?, settled_version = ?, adjusted = ?, sold = ?, "entries" = ?, closed = ? ${key}
  IF version = ? AND mode = ? AND closed = false AND available = ? AND settled_version = ? AND adjusted = ? AND sold = ? AND "entries" = ?`
const insertRow = `INSERT INTO stock (sku, generation, entry, kind, quantity, state, at) VALUES (?, ?, ?, ?, ?, ?, ?) IF NOT EXISTS`
const endRow = `UPDATE stock SET state = ?, settled_by = ? ${key} AND entry = ?`
const endRowIf = `${endRow} IF state = ?`
const openPartition = `INSERT INTO stock (sku, generation, entry, kind, quantity, state, at, ${statics})
  VALUES (?, ?, ?, 'sentinel', ?, 'released', ?, ?, ?, ?, ?, ?, ?, ?, ?) IF NOT EXISTS`
// A deletion of a whole partition takes no condition of its own; in one batch with a conditional one it shares that.
const removeClosed = `DELETE closed FROM stock ${key} IF version = ? AND closed = true`
const removePartition = `DELETE FROM stock ${key}`

/** The statements of one compare-and-set. */
const changeStatements = (
  from: StockPartition,
  to: StockPartition,
  rows: readonly RowChange[],
  at: Date,
): Statement[] => [
  {
    query: updateStatics,
    params: [
      ...[to.available, to.version, to.settledVersion, to.adjusted, to.sold].map(BigInt),
      to.entries,
      to.closed,
      from.sku,
      from.generation,
      BigInt(from.version),
      from.mode,
      ...[from.available, from.settledVersion, from.adjusted, from.sold].map(BigInt),
      from.entries,
    ],
  },
  ...rows.map((row): Statement => {
    if (row.change === 'insert') {
      const { entry, kind, quantity, state } = row.row
      return {
        query: insertRow,
        params: [from.sku, from.generation, entry, kind, BigInt(quantity), state, at],
      }
    }
    const params = [
      row.state,
      row.settledBy === null ? undefined : BigInt(row.settledBy),
      from.sku,
      from.generation,
      row.entry,
    ]
    return row.expect === undefined
      ? { query: endRow, params }
      : { query: endRowIf, params: [...params, row.expect] }
  }),
]

/** The store on a real Cassandra, in the keyspace of the connection. */
export const createStockStore = (cassandra: Cassandra, clock: Clock): StockStore => {
  const conditional = async (statements: readonly Statement[]): Promise<ChangeOutcome['outcome']> =>
    (await cassandra.conditional(statements)).outcome

  return {
    async read(sku, generation, entries, consistency) {
      const statement = { query: select, params: [sku, generation, [sentinelEntry, ...entries]] }
      return snapshotOf(await cassandra.read(statement, consistency), sku, generation)
    },
    async change(from, to, rows) {
      const statements = changeStatements(from, to, rows, new Date(clock.now()))
      const result = await cassandra.conditional(statements)
      return result.outcome === 'refused'
        ? { outcome: 'refused', snapshot: snapshotOf(result.rows, from.sku, from.generation) }
        : { outcome: result.outcome }
    },
    open: partition => {
      const { sku, generation } = partition
      const sentinel: Statement = {
        query: openPartition,
        params: [
          sku,
          generation,
          sentinelEntry,
          0n,
          new Date(clock.now()),
          BigInt(partition.available),
          BigInt(partition.version),
          partition.mode,
          ...[partition.settledVersion, partition.adjusted, partition.sold].map(BigInt),
          partition.entries,
          false,
        ],
      }
      return conditional([sentinel])
    },
    endRows: (sku, generation, rows) =>
      conditional(
        rows.map(row => ({
          query: endRowIf,
          params: [
            row.state,
            row.settledBy === null ? undefined : BigInt(row.settledBy),
            sku,
            generation,
            row.entry,
            'held',
          ],
        })),
      ),
    async *rows(sku, generation) {
      const query = `SELECT entry, kind, quantity, state, settled_by FROM stock ${key}`
      for await (const row of cassandra.scan({ query, params: [sku, generation] })) {
        yield* snapshotOf([row], sku, generation).rows.values()
      }
    },
    remove: ({ sku, generation, version }) =>
      conditional([
        { query: removeClosed, params: [sku, generation, BigInt(version)] },
        { query: removePartition, params: [sku, generation] },
      ]),
    async hint(sku) {
      const query = 'SELECT generation FROM stock_generation WHERE sku = ?'
      const [row] = await cassandra.read({ query, params: [sku] }, 'quorum')
      return row === undefined ? 0 : (optionalInteger(row, 'generation') ?? 0)
    },
    setHint: (sku, generation) =>
      cassandra.write({
        query: 'INSERT INTO stock_generation (sku, generation) VALUES (?, ?) USING TIMESTAMP ?',
        params: [sku, generation, BigInt(generation + 1)],
      }),
  }
}
