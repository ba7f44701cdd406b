import { SluiceError } from '../core/errors.ts'

/** Items that wait at the same moment are worked on together. */
export interface GroupCommit<Item, Result> {
  add(item: Item): Promise<Result>
}

export interface GroupCommitOptions<Item, Result> {
  /** Batches at work at once; while all are, items gather. */
  readonly maxConcurrent: number
  /** A batch ends before its weights exceed this; a heavier item goes alone. */
  readonly maxWeight: number
  readonly weigh: (item: Item) => number
  /** One result per item, in order. */
  readonly run: (items: readonly Item[]) => Promise<readonly Result[]>
}

interface Waiting<Item, Result> {
  readonly item: Item
  readonly resolve: (result: Result) => void
  readonly reject: (error: unknown) => void
}

const isRefusal = (error: unknown): boolean =>
  error instanceof SluiceError &&
  error.code === 'SLUICE_POSTGRES_REFUSED' &&
  error.details['outcome'] === 'failed'

/**
 * Gathers without waiting: an item alone leaves at once, and under load batches grow by themselves. A batch the server
 * refuses is run again one by one, so that only the item at fault fails.
 *
 * @example const commits = createGroupCommit({ maxConcurrent: 4, maxWeight: 4000, weigh: () => 1, run: insertAll })
 */
export const createGroupCommit = <Item, Result>(
  options: GroupCommitOptions<Item, Result>,
): GroupCommit<Item, Result> => {
  const queue: Waiting<Item, Result>[] = []
  let running = 0
  let scheduled = false

  const takeBatch = (): Waiting<Item, Result>[] => {
    let weight = 0
    let count = 0
    while (count < queue.length) {
      const next = queue[count]
      if (next === undefined) break
      weight += options.weigh(next.item)
      if (count > 0 && weight > options.maxWeight) break
      count += 1
    }
    return queue.splice(0, count)
  }

  const runBatch = async (batch: readonly Waiting<Item, Result>[]): Promise<void> => {
    try {
      const results = await options.run(batch.map(waiting => waiting.item))
      batch.forEach((waiting, index) => waiting.resolve(results[index] as Result))
    } catch (error) {
      if (batch.length === 1 || !isRefusal(error)) {
        for (const waiting of batch) waiting.reject(error)
        return
      }
      for (const waiting of batch) await runBatch([waiting])
    }
  }

  const drain = (): void => {
    scheduled = false
    while (running < options.maxConcurrent && queue.length > 0) {
      running += 1
      void runBatch(takeBatch()).finally(() => {
        running -= 1
        drain()
      })
    }
  }

  return {
    add: item =>
      new Promise((resolve, reject) => {
        queue.push({ item, resolve, reject })
        // One turn of the event loop lets requests that arrived together join the same batch.
        if (!scheduled) {
          scheduled = true
          setImmediate(drain)
        }
      }),
  }
}
