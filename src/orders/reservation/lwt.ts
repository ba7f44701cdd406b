import type { Generations } from './generations.ts'
import type { KnownPartitions } from './known.ts'
import type { StockPartition, StockRow, StockSnapshot } from './partition.ts'
import type { Patience } from './patience.ts'
import type { StockStore } from './store.ts'
import type { TakeRequest } from './take.ts'
import { nextTakeStep } from './take.ts'

/** How one line ended: taken in a generation, or too little there. */
export type TakeResult =
  | { readonly taken: true; readonly partition: StockPartition }
  | { readonly taken: false; readonly available: number }

/** What the mode works with. */
export interface LwtContext {
  readonly store: StockStore
  readonly generations: Generations
  readonly known: KnownPartitions
}

/**
 * Takes one line by one conditional write on what this process knows of the SKU; only a refused, stale or unknown one costs
 * more. Runs in the SKU's lane, one at a time.
 *
 * @param sinceTick The tick at which the request came in.
 */
export const takeLine = async (
  context: LwtContext,
  request: TakeRequest,
  sinceTick: number,
  patience: Patience,
): Promise<TakeResult> => {
  const { store, generations, known } = context
  const { sku, entry } = request
  let partition = known.get(sku)
  let row: StockRow | undefined
  let isFresh = known.isSince(sku, sinceTick)
  let unresolved: StockPartition | undefined
  // A row that this request gave back before is part of every condition, so it must be seen first.
  let mustLook = request.again

  const see = (snapshot: StockSnapshot, tick: number): void => {
    partition = snapshot.partition
    row = snapshot.rows.get(entry)
    isFresh = true
    if (partition === undefined || partition.closed) known.forget(sku)
    else known.set(partition, tick)
  }
  const look = async (): Promise<void> => {
    const tick = known.tick()
    const from = partition?.generation
    const consistency = unresolved === undefined ? 'quorum' : 'serial'
    const request = (): Promise<StockSnapshot> => generations.current(sku, [entry], consistency, from)
    see(await (unresolved === undefined ? request() : patience.insist(request)), tick)
  }
  /** The attempt's own generation may have been closed after it applied: the later ones do not show its row. */
  const tookBefore = async (attempted: StockPartition): Promise<boolean> => {
    if (partition === undefined || partition.generation <= attempted.generation) return false
    const before = await patience.insist(() => store.read(sku, attempted.generation, [entry], 'serial'))
    return before.rows.get(entry)?.state === 'held'
  }

  for (;;) {
    if (mustLook) await look()
    if (mustLook && unresolved !== undefined) {
      if (await tookBefore(unresolved)) return { taken: true, partition: unresolved }
      unresolved = undefined
    }
    mustLook = false
    const next = nextTakeStep(request, { partition, row, isFresh })
    if (next.step === 'held') return { taken: true, partition: partition as StockPartition }
    if (next.step === 'short') return { taken: false, available: next.available }
    if (next.step === 'fail') throw next.error
    if (next.step === 'look') {
      mustLook = true
      continue
    }
    if (!patience.left()) await patience.pause('others kept changing the SKU')
    const tick = known.tick()
    // Forgotten before it is sent: should this request fail half-way, the next one looks for itself.
    known.forget(sku)
    const result = await store.change(partition as StockPartition, next.to, next.rows)
    if (result.outcome === 'applied') {
      known.set(next.to, tick)
      return { taken: true, partition: next.to }
    }
    if (result.outcome === 'refused') {
      see(result.snapshot, tick)
      mustLook = partition === undefined || request.again
    } else {
      unresolved = partition
      mustLook = true
      await patience.pause('the outcome of a conditional write is unknown')
    }
  }
}
