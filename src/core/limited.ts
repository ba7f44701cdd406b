/**
 * Runs `work` for every item, at most `limit` at a time, and gives the results in the items' order. After a rejection no
 * further item is begun; it rejects with the first error once all that was begun has ended, so nothing runs on unseen.
 *
 * @example await mapLimited(skus, 32, sku => settle(sku))
 */
export const mapLimited = async <T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> => {
  const results: R[] = []
  const failures: unknown[] = []
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < items.length && failures.length === 0) {
      const index = next++
      try {
        results[index] = await work(items[index] as T, index)
      } catch (error) {
        failures.push(error)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker))
  if (failures.length > 0) throw failures[0]
  return results
}

/** Runs what it is given at once or, while `limit` others run, when its turn has come; first come, first served. */
export type Limiter = <R>(work: () => Promise<R>) => Promise<R>

/**
 * Bounds how much runs at the same time, over all callers that share it.
 *
 * @param giveUp Rejects with `error` what has waited for its turn for `afterMs`; it is then never run. Without it, waits on.
 * @example const limited = createLimiter(32); await limited(() => send(request))
 */
export const createLimiter = (
  limit: number,
  giveUp?: { readonly afterMs: number; readonly error: () => Error },
): Limiter => {
  const waiting = new Set<() => void>()
  let running = 0
  const turn = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const begin = (): void => {
        clearTimeout(timer)
        waiting.delete(begin)
        resolve()
      }
      const timer =
        giveUp &&
        setTimeout(() => {
          waiting.delete(begin)
          reject(giveUp.error())
        }, giveUp.afterMs)
      waiting.add(begin)
    })
  return async work => {
    if (running >= limit) await turn()
    else running++
    try {
      return await work()
    } finally {
      const [next] = waiting
      if (next === undefined) running--
      else next()
    }
  }
}
