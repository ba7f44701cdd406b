import type { Generations } from './generations.ts'
import type { KnownPartitions } from './known.ts'
import type { StockPartition, StockRow, StockSnapshot } from './partition.ts'
import { giveBackEntry } from './partition.ts'
import type { Patience } from './patience.ts'
import type { RowChange, StockStore } from './store.ts'

/** What is found of an entry when it is to be given back. */
export interface GiveBackView {
  readonly partition: StockPartition
  /** The entry's own row in the current generation. */
  readonly row: StockRow | undefined
  /** Its row held in a closed generation, looked for only when the current one has none. */
  readonly olderHeld: StockRow | undefined
  /** Whether a give-back row for it exists in a later generation than that. */
  readonly isCompensated: boolean
}

/** The next step of a give-back; `mark-older` ends the row in the closed generation, whose units are back already. */
export type GiveBackStep =
  | { readonly step: 'done' }
  | { readonly step: 'mark-older' }
  | { readonly step: 'write'; readonly to: StockPartition; readonly rows: readonly RowChange[] }

const released = (entry: string, kind: 'reservation' | 'give-back', quantity: number): RowChange => ({
  change: 'insert',
  row: { entry, kind, quantity, state: 'released', settledBy: null },
})

/** Chooses the next step of a give-back; pure. */
export const nextGiveBackStep = (entry: string, view: GiveBackView): GiveBackStep => {
  const { partition, row, olderHeld } = view
  const next = { ...partition, version: partition.version + 1 }
  if (row?.state === 'held') {
    return {
      step: 'write',
      to: { ...next, available: partition.available + row.quantity },
      rows: [{ change: 'set', entry, state: 'released', settledBy: null, expect: 'held' }],
    }
  }
  if (row !== undefined) return { step: 'done' }
  if (olderHeld === undefined) {
    // Nothing is held, but an attempt may be on its way: the row that refuses it also moves the version past it.
    return {
      step: 'write',
      to: { ...next, entries: partition.entries + 1 },
      rows: [released(entry, 'reservation', 0)],
    }
  }
  if (view.isCompensated) return { step: 'mark-older' }
  return {
    step: 'write',
    to: { ...next, available: partition.available + olderHeld.quantity, entries: partition.entries + 1 },
    rows: [released(giveBackEntry(entry), 'give-back', olderHeld.quantity)],
  }
}

/** What give-back works with. */
export interface GiveBackContext {
  readonly store: StockStore
  readonly generations: Generations
  readonly known: KnownPartitions
}

interface OlderRow {
  readonly held: { readonly row: StockRow; readonly generation: number } | undefined
  readonly isCompensated: boolean
}

const findOlder = async (
  generations: Generations,
  partition: StockPartition,
  entry: string,
): Promise<OlderRow> => {
  let isCompensated = false
  const entries = [entry, giveBackEntry(entry)]
  for await (const { rows, partition: older } of generations.earlier(
    partition.sku,
    partition.generation,
    entries,
  )) {
    const row = rows.get(entry)
    if (row !== undefined && older !== undefined) {
      const held = row.state === 'held' ? { row, generation: older.generation } : undefined
      return { held, isCompensated }
    }
    if (rows.has(giveBackEntry(entry))) isCompensated = true
  }
  return { held: undefined, isCompensated }
}

/**
 * Gives back what `entry` holds of a SKU, wherever its row lies; resolves every unknown outcome by looking again, which is
 * enough, since each write is bound to a version and to the row's state. Runs in the SKU's lane.
 *
 * @param hint What the caller knows: the row held in this generation.
 */
export const giveBackLine = async (
  context: GiveBackContext,
  sku: string,
  entry: string,
  patience: Patience,
  hint?: { readonly generation: number; readonly row: StockRow },
): Promise<void> => {
  const { store, generations, known } = context
  const asked = [entry, giveBackEntry(entry)]
  const cached = known.get(sku)
  let snapshot: StockSnapshot | undefined =
    hint !== undefined && cached?.generation === hint.generation
      ? { partition: cached, rows: new Map([[entry, hint.row]]), openedAt: undefined }
      : undefined

  for (;;) {
    snapshot ??= await patience.insist(() =>
      generations.current(sku, asked, 'serial', known.get(sku)?.generation),
    )
    const { partition } = snapshot
    if (partition === undefined) return
    const row = snapshot.rows.get(entry)
    const older: OlderRow =
      row === undefined
        ? await patience.insist(() => findOlder(generations, partition, entry))
        : { held: undefined, isCompensated: false }
    const isCompensated = older.isCompensated || snapshot.rows.has(giveBackEntry(entry))
    const next = nextGiveBackStep(entry, { partition, row, olderHeld: older.held?.row, isCompensated })
    if (next.step === 'done') return
    if (next.step === 'mark-older') {
      const { generation } = older.held as NonNullable<OlderRow['held']>
      const outcome = await patience.insist(() =>
        store.endRows(sku, generation, [{ change: 'set', entry, state: 'released', settledBy: null }]),
      )
      if (outcome !== 'unknown') return
      snapshot = undefined
      await patience.pause('the outcome of a conditional write is unknown')
      continue
    }
    const tick = known.tick()
    known.forget(sku)
    const result = await patience.insist(() => store.change(partition, next.to, next.rows))
    if (result.outcome === 'applied') {
      known.set(next.to, tick)
      if (older.held === undefined) return
      // The give-back row is in: what is left is to mark the old one, which the next round does.
      snapshot = undefined
    } else if (
      result.outcome === 'refused' &&
      row !== undefined &&
      result.snapshot.partition?.closed === false &&
      result.snapshot.rows.get(entry)?.state === row.state
    ) {
      // A refused write shows only the columns of its condition: the row's units are those of the look before.
      snapshot = { ...result.snapshot, rows: new Map([[entry, row]]) }
    } else {
      snapshot = undefined
      if (result.outcome === 'unknown') await patience.pause('the outcome of a conditional write is unknown')
    }
  }
}
