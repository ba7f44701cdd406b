import type { Clock } from '../../core/clock.ts'
import type { CrashPoints } from '../../core/crash-points.ts'
import type { Generations } from './generations.ts'
import type { StockPartition } from './partition.ts'
import type { StockStore } from './store.ts'

/** Whether nothing in a closed generation is needed any more. */
const isSettled = async (
  store: StockStore,
  closed: StockPartition,
  settledVersion: number,
): Promise<boolean> => {
  for await (const row of store.rows(closed.sku, closed.generation)) {
    if (row.state === 'held') return false
    // A mark whose numbers are not counted yet: its settlement still has to find it.
    if (row.settledBy !== null && row.settledBy > settledVersion) return false
  }
  return true
}

/**
 * Deletes the closed generations of a SKU whose rows have all ended, oldest first, and stops at the first that is needed:
 * give-back rows of a generation may answer for rows of those before it.
 *
 * @param graceMs How long a generation stays after the next was opened, so that no request sent before is still on its way.
 * @returns How many were deleted.
 */
export const pruneGenerations = async (
  {
    store,
    generations,
    clock,
    graceMs,
    crash,
  }: {
    store: StockStore
    generations: Generations
    clock: Clock
    graceMs: number
    crash?: CrashPoints | undefined
  },
  sku: string,
): Promise<number> => {
  const current = await generations.current(sku, [], 'serial')
  const { partition } = current
  if (partition === undefined || partition.generation === 0) return 0
  const older: { readonly closed: StockPartition; readonly endedAt: number }[] = []
  let { openedAt } = current
  for await (const snapshot of generations.earlier(sku, partition.generation, [])) {
    if (snapshot.partition === undefined || openedAt === undefined) break
    older.push({ closed: snapshot.partition, endedAt: openedAt })
    openedAt = snapshot.openedAt
  }
  if (older.length === 0) return 0
  // Whoever still looks for a deleted generation must find a way past it.
  await store.setHint(sku, partition.generation)
  let deleted = 0
  for (const { closed, endedAt } of older.toReversed()) {
    if (!closed.closed || clock.now() - endedAt < graceMs) break
    if (!(await isSettled(store, closed, partition.settledVersion))) break
    crash?.('prune.before-delete')
    if ((await store.remove(closed)) !== 'applied') break
    crash?.('prune.after-delete')
    deleted++
  }
  return deleted
}
