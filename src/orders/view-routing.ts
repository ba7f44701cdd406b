import type { Cassandra } from '../cassandra/client.ts'
import { optionalText } from '../cassandra/values.ts'
import type { Clock } from '../core/clock.ts'
import { own, type ViewTarget } from './view-target.ts'

/** Which keyspaces hold the views of stock. */
export interface ViewRouting {
  /** Whose tables are read. */
  readonly active: ViewTarget
  /** Whose tables every turn is written to; the live keyspace's own among them, always. */
  readonly attached: readonly ViewTarget[]
}

/**
 * The row that says so: a plain row, never written conditionally, in the live keyspace. A write that has been answered is seen by
 * every read that begins later, both being at quorum.
 */
export interface ViewRoutes {
  read(): Promise<ViewRouting>
  attach(target: ViewTarget): Promise<void>
  detach(target: ViewTarget): Promise<void>
  activate(target: ViewTarget): Promise<void>
}

const view = 'stock'

/** @example const routes = createViewRoutes(cassandra); (await routes.read()).active */
export const createViewRoutes = (cassandra: Cassandra): ViewRoutes => ({
  read: async () => {
    const query = 'SELECT active, attached FROM view_routing WHERE name = ?'
    const [row] = await cassandra.read({ query, params: [view] }, 'quorum')
    if (row === undefined) return { active: own, attached: [own] }
    const attached = Array.isArray(row['attached']) ? row['attached'].map(String) : []
    return { active: optionalText(row, 'active') ?? own, attached: [own, ...attached] }
  },
  attach: target =>
    cassandra.write({
      query: 'UPDATE view_routing SET attached = attached + ? WHERE name = ?',
      params: [[target], view],
    }),
  detach: target =>
    cassandra.write({
      query: 'UPDATE view_routing SET attached = attached - ? WHERE name = ?',
      params: [[target], view],
    }),
  activate: target =>
    cassandra.write({ query: 'UPDATE view_routing SET active = ? WHERE name = ?', params: [target, view] }),
})

/** How long after a switch a reader may still read the former tables, which are kept up to date meanwhile. */
export const routingStaleMs = 1_000

/**
 * The active keyspace as of at most `routingStaleMs` ago; `forget` makes the next call look.
 *
 * @example const active = createActiveTarget(routes, clock); await active.get()
 */
export const createActiveTarget = (
  routes: Pick<ViewRoutes, 'read'>,
  clock: Pick<Clock, 'now'>,
): { get(): Promise<ViewTarget>; forget(): void } => {
  let known: { readonly target: ViewTarget; readonly askedAtMs: number } | undefined
  return {
    get: async () => {
      const askedAtMs = clock.now()
      if (known !== undefined && askedAtMs - known.askedAtMs < routingStaleMs) return known.target
      const { active } = await routes.read()
      known = { target: active, askedAtMs }
      return active
    },
    forget: () => {
      known = undefined
    },
  }
}
