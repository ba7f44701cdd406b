import type { StockUpdate } from '../../../schemas/types.ts'
import type { CrashPoints } from '../../core/crash-points.ts'
import type { Logger } from '../../core/log.ts'
import type { Generations } from '../reservation/generations.ts'
import type { KnownPartitions } from '../reservation/known.ts'
import type { StockPartition, StockRow, StockSnapshot } from '../reservation/partition.ts'
import type { Patience } from '../reservation/patience.ts'
import type { RowChange, StockStore } from '../reservation/store.ts'
import type { SettledRow } from './fold.ts'
import { foldUpdates, placeOf, rowOf, unsettledOf } from './fold.ts'

/** What settlement works with. */
export interface SettleContext {
  readonly store: StockStore
  readonly generations: Generations
  readonly known: KnownPartitions
  readonly log: Logger
  readonly crash?: CrashPoints | undefined
}

/** What one look at a SKU showed: its open generation, and the updates' rows wherever they lie. */
interface View {
  readonly partition: StockPartition | undefined
  readonly rows: ReadonlyMap<string, StockRow>
  /** False for what was remembered: it may be tried on, but a gap it shows may be its own. */
  readonly isFresh: boolean
}

/** Before its first update a SKU has nothing; any version of the ledger may come next but the first. */
const unstocked = (sku: string): StockPartition => ({
  sku,
  generation: 0,
  available: 0,
  version: 0,
  mode: 'lwt',
  settledVersion: 0,
  adjusted: 0,
  sold: 0,
  entries: 0,
  closed: false,
})

// Rows marked per conditional write in a closed generation.
const mostMarks = 100

const setRow = ({ entry, state, settledBy }: SettledRow): Extract<RowChange, { change: 'set' }> => ({
  change: 'set',
  entry,
  state,
  settledBy,
})

const rowsByPlace = (snapshots: readonly StockSnapshot[]): Map<string, StockRow> => {
  const rows = new Map<string, StockRow>()
  for (const { partition, rows: found } of snapshots) {
    for (const row of found.values()) rows.set(placeOf(partition?.generation ?? 0, row.entry), row)
  }
  return rows
}

/** Reads the open generation with the updates' rows, then those of its predecessors that hold any of them. */
const look = async (
  { store, generations, known }: SettleContext,
  sku: string,
  updates: readonly StockUpdate[],
  consistency: 'serial' | 'quorum',
): Promise<View> => {
  const places = updates.map(rowOf).filter(place => place !== undefined)
  const entries = places.map(place => place.entry)
  const current = await generations.current(sku, entries, consistency, known.get(sku)?.generation)
  const snapshots = [current]
  const generation = current.partition?.generation ?? 0
  for (const older of new Set(places.map(place => place.generation))) {
    if (older >= generation) continue
    const asked = places.filter(place => place.generation === older).map(place => place.entry)
    snapshots.push(await store.read(sku, older, asked, consistency))
  }
  return { partition: current.partition, rows: rowsByPlace(snapshots), isFresh: true }
}

/** Marks rows of closed generations; false when one was not as expected, so that everything must be looked at again. */
const markOlder = async (
  { store }: SettleContext,
  sku: string,
  rows: readonly SettledRow[],
  found: ReadonlyMap<string, StockRow>,
): Promise<boolean> => {
  for (const generation of new Set(rows.map(row => row.generation))) {
    const held = rows.filter(
      row => row.generation === generation && found.get(placeOf(generation, row.entry))?.state === 'held',
    )
    for (let first = 0; first < held.length; first += mostMarks) {
      const outcome = await store.endRows(sku, generation, held.slice(first, first + mostMarks).map(setRow))
      if (outcome !== 'applied') return false
    }
  }
  return true
}

/**
 * Settles updates of one SKU, in one conditional write on its version and the last settled ledger version, so that
 * neither a repetition nor a former owner counts anything twice. Resolves when all of them are settled, by whomever.
 *
 * Rejects with `SLUICE_SETTLEMENT_GAP` when a version is missing, `SLUICE_CASSANDRA_UNAVAILABLE` when time is up.
 */
export const settleSku = async (
  context: SettleContext,
  sku: string,
  updates: readonly StockUpdate[],
  patience: Patience,
): Promise<void> => {
  const { store, known, log } = context
  const remembered = known.get(sku)
  let consistency: 'serial' | 'quorum' = 'quorum'
  let view: View | undefined =
    remembered !== undefined && updates.every(update => rowOf(update) === undefined)
      ? { partition: remembered, rows: new Map(), isFresh: false }
      : undefined

  for (;;) {
    const level = consistency
    view ??= await patience.insist(() => look(context, sku, updates, level))
    const from = view.partition ?? unstocked(sku)
    const isNext = updates.some(update => update.settlesAfter === from.settledVersion)
    if (!view.isFresh && !isNext) {
      view = undefined
      continue
    }
    const unsettled = unsettledOf(sku, from.settledVersion, updates)
    if (unsettled.length === 0) return
    const { to, rows, surprises } = foldUpdates(from, unsettled, view.rows)
    const older = rows.filter(row => row.generation < from.generation)
    const found = view.rows
    if (!(await patience.insist(() => markOlder(context, sku, older, found)))) {
      view = undefined
      consistency = 'serial'
      await patience.pause('rows of a closed generation changed meanwhile')
      continue
    }
    if (older.length > 0) context.crash?.('settlement.after-older')
    const inCurrent = rows.filter(row => row.generation === from.generation).map(setRow)
    const tick = known.tick()
    known.forget(sku)
    const isNew = view.partition === undefined
    const result = await patience.insist(async () =>
      isNew ? { outcome: await store.open(to) } : store.change(from, to, inCurrent),
    )
    if (result.outcome === 'applied') {
      known.set(to, tick)
      for (const { type, orderId, eventId, version } of surprises) {
        log.warn({ sku, type, orderId, eventId, version }, 'an update found no reservation held')
      }
      return
    }
    const seen = 'snapshot' in result ? result.snapshot.partition : undefined
    if (
      result.outcome === 'refused' &&
      seen !== undefined &&
      !seen.closed &&
      seen.settledVersion === from.settledVersion
    ) {
      // Others reserved meanwhile: rows of committed orders are settlement's alone, so what was read of them stands.
      view = { ...view, partition: seen, isFresh: true }
      if (!patience.left()) await patience.pause('others kept changing the SKU')
      continue
    }
    view = undefined
    if (result.outcome === 'unknown') {
      consistency = 'serial'
      await patience.pause('the outcome of a conditional write is unknown')
    }
  }
}
