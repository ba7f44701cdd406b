import { stockBusy } from './errors.ts'

/** One first-in, first-out queue per SKU, so that a process never contends with itself for a SKU. */
export interface Lanes {
  /** Runs `job` after all earlier ones of the SKU; rejects with `SLUICE_STOCK_BUSY` when too many wait. */
  run<T>(sku: string, job: () => Promise<T>): Promise<T>
  /** As `run`, for what gives stock back or keeps house: it must not be refused because buyers queue. */
  runAlways<T>(sku: string, job: () => Promise<T>): Promise<T>
}

interface Lane {
  waiting: number
  tail: Promise<unknown>
}

/** Queues that hold at most `longest` requests each; a SKU without requests holds no memory. */
export const createLanes = (longest: number): Lanes => {
  const lanes = new Map<string, Lane>()
  const enqueue = <T>(sku: string, job: () => Promise<T>): Promise<T> => {
    const lane = lanes.get(sku) ?? { waiting: 0, tail: Promise.resolve() }
    lanes.set(sku, lane)
    lane.waiting++
    const result = lane.tail.then(job)
    const leave = (): void => {
      lane.waiting--
      if (lane.waiting === 0) lanes.delete(sku)
    }
    lane.tail = result.catch(() => {}).finally(leave)
    return result
  }
  return {
    run: (sku, job) => {
      const waiting = lanes.get(sku)?.waiting ?? 0
      return waiting >= longest ? Promise.reject(stockBusy(sku, waiting)) : enqueue(sku, job)
    },
    runAlways: enqueue,
  }
}
