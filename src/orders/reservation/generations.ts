import type { ReadConsistency } from '../../cassandra/client.ts'
import type { CrashPoints } from '../../core/crash-points.ts'
import { stockUnavailable } from './errors.ts'
import type { StockPartition, StockSnapshot } from './partition.ts'
import { carryOf } from './partition.ts'
import type { StockStore } from './store.ts'

/** Finds a SKU's current generation, and opens the next one when it is full. */
export interface Generations {
  /**
   * The open generation, with those of `entries` that lie in it; a generation that was closed but not followed is followed.
   * Its partition is undefined for a SKU that was never stocked.
   *
   * @param from A generation not beyond the current one, when one is known.
   */
  current(
    sku: string,
    entries: readonly string[],
    consistency: ReadConsistency,
    from?: number,
  ): Promise<StockSnapshot>
  /** The generations before `generation` that still exist, newest first, with their rows of `entries`. */
  earlier(sku: string, generation: number, entries: readonly string[]): AsyncIterable<StockSnapshot>
  /** Closes a generation and opens the next; harmless when somebody else does the same, or when it stops half-way. */
  roll(partition: StockPartition): Promise<void>
}

// An opening of unknown outcome is looked at and tried again; a Cassandra that never answers ends it earlier.
const mostOpenings = 5

/** Over the store; keeps nothing itself. */
export const createGenerations = (store: StockStore, crash?: CrashPoints): Generations => {
  const current: Generations['current'] = async (sku, entries, consistency, from) => {
    let generation = from ?? (await store.hint(sku))
    let closed: StockPartition | undefined
    for (let openings = 0; ;) {
      const snapshot = await store.read(sku, generation, entries, consistency)
      const { partition } = snapshot
      if (partition?.closed === true) {
        closed = partition
        generation++
      } else if (partition !== undefined) {
        if (closed !== undefined) await store.setHint(sku, generation)
        return snapshot
      } else if (closed !== undefined) {
        if (openings++ === mostOpenings)
          throw stockUnavailable(`open generation ${generation} of ${sku}`, 'no outcome')
        await store.open(carryOf(closed))
      } else {
        // Deleted since it was known, or never there: the hint moves on before a generation is deleted.
        const hinted = await store.hint(sku)
        if (hinted <= generation) return snapshot
        generation = hinted
      }
    }
  }

  return {
    current,
    async *earlier(sku, generation, entries) {
      for (let older = generation - 1; older >= 0; older--) {
        const snapshot = await store.read(sku, older, entries, 'serial')
        if (snapshot.partition === undefined) return
        yield snapshot
      }
    },
    async roll(partition) {
      const closed = { ...partition, closed: true, version: partition.version + 1 }
      const { outcome } = await store.change(partition, closed, [])
      if (outcome !== 'applied') return
      crash?.('roll.after-close')
      // A hint beyond the last generation would hide the SKU: it follows what is certainly there.
      if ((await store.open(carryOf(closed))) === 'unknown') return
      crash?.('roll.after-open')
      await store.setHint(partition.sku, partition.generation + 1)
    },
  }
}
