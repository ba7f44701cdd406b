/**
 * Starts `work` on the items in their order, at most `limit` at once; resolves when all have ended. The first
 * failure stops the starting of others, waits for those under way, and is then thrown.
 *
 * @example await forEachInFlight(invoices, 32, invoice => send(invoice))
 */
export const forEachInFlight = async <T>(
  items: AsyncIterable<T> | Iterable<T>,
  limit: number,
  work: (item: T) => Promise<void>,
): Promise<void> => {
  const underWay = new Set<Promise<void>>()
  const failures: unknown[] = []
  for await (const item of items) {
    const task: Promise<void> = work(item)
      .catch((failure: unknown) => void failures.push(failure))
      .finally(() => underWay.delete(task))
    underWay.add(task)
    if (underWay.size >= limit) await Promise.race(underWay)
    if (failures.length > 0) break
  }
  await Promise.all(underWay)
  if (failures.length > 0) throw failures[0]
}
