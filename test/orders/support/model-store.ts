import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../../../src/core/clock.ts'
import type { StockPartition, StockRow, StockSnapshot } from '../../../src/orders/reservation/partition.ts'
import type { ChangeOutcome, RowChange, StockStore } from '../../../src/orders/reservation/store.ts'

/** What the network does to one conditional write. */
export type WriteFate = 'answered' | 'reply-lost' | 'request-lost' | 'late'

/** A clock that runs only while somebody sleeps; `nextTicks` decides how long others go on meanwhile. */
export const virtualClock = (nextTicks: () => number = () => 1): Clock => {
  let now = 1_000_000
  return {
    now: () => now,
    sleep: async durationMs => {
      now += durationMs
      for (let ticks = nextTicks(); ticks > 0; ticks--) await Promise.resolve()
    },
  }
}

interface Generation {
  partition: StockPartition
  readonly rows: Map<string, StockRow>
}

/** A model of the table: linearizable compare-and-set, behind a network that loses and delays. */
export interface ModelStore extends StockStore {
  readonly generations: ReadonlyMap<string, Generation>
  /** Delivers all writes that are still on their way. */
  deliverLate(): void
}

const equals = (one: StockPartition, other: StockPartition): boolean => isDeepStrictEqual(one, other)

/** `nextFate` decides on each write as it is sent; `delivers` whether a late one arrives before the next request. */
export const modelStore = (clock: Clock, nextFate: () => WriteFate, delivers: () => boolean): ModelStore => {
  const generations = new Map<string, Generation>()
  const hints = new Map<string, number>()
  const openedAt = new Map<string, number>()
  const late: (() => void)[] = []
  const place = (sku: string, generation: number): string => `${sku}/${generation}`

  const arrive = async (): Promise<void> => {
    if (late.length > 0 && delivers()) late.shift()?.()
    // Lets the other processes' requests in between.
    await Promise.resolve()
  }
  const snapshot = (sku: string, generation: number, entries: readonly string[]): StockSnapshot => {
    const found = generations.get(place(sku, generation))
    const rows = entries.flatMap(entry => found?.rows.get(entry) ?? [])
    return {
      partition: found?.partition,
      rows: new Map(rows.map(row => [row.entry, row])),
      openedAt: openedAt.get(place(sku, generation)),
    }
  }
  const through = async <T>(execute: () => T): Promise<T | undefined> => {
    await arrive()
    const fate = nextFate()
    if (fate === 'late') late.push(execute)
    const result = fate === 'answered' || fate === 'reply-lost' ? execute() : undefined
    await Promise.resolve()
    return fate === 'answered' ? result : undefined
  }
  const isMet = (rows: ReadonlyMap<string, StockRow>, change: RowChange): boolean =>
    change.change === 'insert'
      ? !rows.has(change.row.entry)
      : change.expect === undefined || rows.get(change.entry)?.state === change.expect
  const apply = (rows: Map<string, StockRow>, change: RowChange): void => {
    if (change.change === 'insert') {
      rows.set(change.row.entry, change.row)
      return
    }
    const row = rows.get(change.entry)
    if (row === undefined) throw new Error(`row ${change.entry} would be made of nothing`)
    rows.set(change.entry, { ...row, state: change.state, settledBy: change.settledBy ?? row.settledBy })
  }

  return {
    generations,
    deliverLate: () => {
      for (const execute of late.splice(0)) execute()
    },
    async read(sku, generation, entries) {
      await arrive()
      return snapshot(sku, generation, entries)
    },
    async change(from, to, rows) {
      const done = await through((): ChangeOutcome => {
        const found = generations.get(place(from.sku, from.generation))
        const open = found !== undefined && !found.partition.closed && equals(found.partition, from)
        if (!open || !rows.every(row => isMet(found.rows, row))) {
          const named = rows.map(row => (row.change === 'insert' ? row.row.entry : row.entry))
          return { outcome: 'refused', snapshot: snapshot(from.sku, from.generation, named) }
        }
        for (const row of rows) apply(found.rows, row)
        found.partition = to
        return { outcome: 'applied' }
      })
      return done ?? { outcome: 'unknown' }
    },
    async open(partition) {
      const done = await through((): 'applied' | 'refused' => {
        const at = place(partition.sku, partition.generation)
        if (generations.has(at)) return 'refused'
        generations.set(at, { partition, rows: new Map() })
        openedAt.set(at, clock.now())
        return 'applied'
      })
      return done ?? 'unknown'
    },
    async endRows(sku, generation, changes) {
      const done = await through((): 'applied' | 'refused' => {
        const found = generations.get(place(sku, generation))
        if (found === undefined) return 'refused'
        if (!changes.every(change => found.rows.get(change.entry)?.state === 'held')) return 'refused'
        for (const change of changes) apply(found.rows, change)
        return 'applied'
      })
      return done ?? 'unknown'
    },
    async *rows(sku, generation) {
      await arrive()
      yield* generations.get(place(sku, generation))?.rows.values() ?? []
    },
    async remove(closed) {
      const done = await through((): 'applied' | 'refused' => {
        const at = place(closed.sku, closed.generation)
        const found = generations.get(at)
        if (found === undefined || !equals(found.partition, closed)) return 'refused'
        generations.delete(at)
        return 'applied'
      })
      return done ?? 'unknown'
    },
    async hint(sku) {
      await arrive()
      return hints.get(sku) ?? 0
    },
    async setHint(sku, generation) {
      await arrive()
      hints.set(sku, Math.max(generation, hints.get(sku) ?? 0))
    },
  }
}
