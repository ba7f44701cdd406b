import type { Cassandra } from '../../cassandra/client.ts'
import type { Clock } from '../../core/clock.ts'
import { mapLimited } from '../../core/limited.ts'
import type { Coverage } from '../../replay/coverage.ts'
import { PartFindings } from '../../replay/difference.ts'
import { bucketOf } from '../materializer.ts'
import { own, type ViewTarget } from '../view-target.ts'
import { hasNumbersOf, pairRows, readViewRow, rowDifference, scanView } from './view-rows.ts'
import type { RowPair, ViewTable } from './view-rows.ts'

export interface CompareViewsOptions {
  readonly cassandra: Cassandra
  readonly clock: Clock
  readonly replayed: ViewTarget
  readonly coverage: Coverage
}

// A turn under way writes to one keyspace after the other.
const looks = 5
const lookPauseMs = 200
const readsAtOnce = 16
// More than this is no matter of a turn under way.
const mostDoubts = 5_000

/** Compares the views of two keyspaces, row for row and column for column, times of writing included. */
export const compareViews = async (options: CompareViewsOptions): Promise<readonly PartFindings[]> => [
  await compareView('stock_state', options),
  await compareView('stock_update', options),
]

const compareView = async (table: ViewTable, options: CompareViewsOptions): Promise<PartFindings> => {
  const { cassandra, clock, replayed } = options
  const findings = new PartFindings(table)
  let doubts: RowPair[] = []
  const judge = async (pair: RowPair): Promise<void> => {
    const difference = rowDifference(pair)
    if (difference === undefined) findings.equal++
    else if (await mayDiffer(table, pair, options)) findings.undecided++
    else findings.differs(keyOf(pair), difference)
  }
  const pairs = pairRows(table, scanView(cassandra, own, table), scanView(cassandra, replayed, table))
  for await (const pair of pairs) {
    if (rowDifference(pair) === undefined) findings.equal++
    else if (doubts.length < mostDoubts) doubts.push(pair)
    else await judge(pair)
  }
  // Rows were read at different moments: only what stays different is.
  for (let look = 0; look < looks && doubts.length > 0; look++) {
    await clock.sleep(look === 0 ? 0 : lookPauseMs)
    const again = await mapLimited(doubts, readsAtOnce, pair => readAgain(table, pair, options))
    doubts = again.filter(pair => rowDifference(pair) !== undefined)
    findings.equal += again.length - doubts.length
  }
  for (const pair of doubts) await judge(pair)
  return findings
}

const keyOf = ({ place: { sku, bucket, version } }: RowPair): string =>
  bucket === '' ? sku : `${sku} ${bucket} version ${version}`

const readAgain = async (
  table: ViewTable,
  { place }: RowPair,
  { cassandra, replayed }: CompareViewsOptions,
): Promise<RowPair> => ({
  place,
  live: await readViewRow(cassandra, own, table, place),
  replayed: await readViewRow(cassandra, replayed, table, place),
})

/** Whether a difference follows from what either side has not read. */
const mayDiffer = async (
  table: ViewTable,
  { live, replayed }: RowPair,
  { cassandra, replayed: target, coverage }: CompareViewsOptions,
): Promise<boolean> => {
  const { isLiveAhead, isLiveBehind, isPartial } = coverage
  if (live === undefined) return isLiveBehind
  if (replayed === undefined) {
    if (isPartial) return true
    if (!isLiveAhead) return false
    if (table === 'stock_state') return true
    // What comes before a version that the replay has is missing, however far live is.
    const state = await readViewRow(cassandra, target, 'stock_state', live)
    return state === undefined || state.version < live.version
  }
  if (table === 'stock_update' || live.version === replayed.version) return false
  // The state of then must be what the other side's history says of that version.
  const [older, newer] = live.version > replayed.version ? [replayed, own] : [live, target]
  if (live.version > replayed.version ? !isLiveAhead : !isLiveBehind) return false
  const updatedAt = /updated_at ([^,]+)/.exec(older.rest)?.[1] ?? ''
  const place = { sku: older.sku, bucket: bucketOf(Date.parse(updatedAt)), version: older.version }
  return hasNumbersOf(older, await readViewRow(cassandra, newer, 'stock_update', place))
}
