import type { StockPartition } from './partition.ts'

/** The statics this process saw last, per SKU: lets a reservation be one conditional write, without a read before it. */
export interface KnownPartitions {
  /** A point in this process's order of events, for `isSince`. */
  tick(): number
  get(sku: string): StockPartition | undefined
  /** Whether what is known was seen by a request begun after `tick`: only then may it refuse an order. */
  isSince(sku: string, tick: number): boolean
  /** `seenAt`: the tick taken before the request that showed it was sent. */
  set(partition: StockPartition, seenAt: number): void
  forget(sku: string): void
}

/** Remembers the `most` SKUs used last. */
export const createKnownPartitions = (most: number): KnownPartitions => {
  const known = new Map<string, { readonly partition: StockPartition; readonly seenAt: number }>()
  let ticks = 0
  return {
    tick: () => ++ticks,
    get: sku => known.get(sku)?.partition,
    isSince: (sku, tick) => (known.get(sku)?.seenAt ?? -1) > tick,
    set: (partition, seenAt) => {
      known.delete(partition.sku)
      known.set(partition.sku, { partition, seenAt })
      if (known.size > most) {
        for (const oldest of known.keys()) {
          known.delete(oldest)
          break
        }
      }
    },
    forget: sku => {
      known.delete(sku)
    },
  }
}
