import type { Random } from '../../../src/core/random.ts'

/** What one client asks for; the same again whenever it is repeated. */
export interface LoadRequest {
  /**
   * `order` and `adjustment` go through the order service; a `faulty-order` is written past its validation, so that the topology
   * has to reject it and give its stock back; an `invalid-order` the service has to refuse. A `keyless-order` has no
   * Idempotency-Key, so it is sent once, and nobody but the reaper sees to it when it dies.
   */
  readonly kind: 'order' | 'keyless-order' | 'faulty-order' | 'invalid-order' | 'adjustment'
  /** The Idempotency-Key where there is one, and the customer of an order: nothing else bears it. */
  readonly key: string
  readonly lines: readonly LoadLine[]
}

/** Units of one SKU; negative in an adjustment that takes stock away. */
export interface LoadLine {
  readonly sku: string
  readonly quantity: number
}

/** The shop of one run: what it sells, and what of it is scarce. */
export interface LoadShop {
  /** Begins every key and every SKU. */
  readonly run: string
  readonly plenty: readonly string[]
  readonly scarce: readonly string[]
}

/** Units at the beginning. */
export const initialUnits = { plenty: 1_000_000, scarce: 6 }

/**
 * SKUs named for one run, so that several can share the servers.
 *
 * @example const shop = shopOf('3f2a')
 */
export const shopOf = (run: string, plenty = 22, scarce = 8): LoadShop => {
  const named = (kind: string, count: number): string[] =>
    Array.from({ length: count }, (_, index) => `${run}-${kind}-${index + 1}`)
  return { run, plenty: named('plenty', plenty), scarce: named('scarce', scarce) }
}

const upTo = (random: Random, most: number): number => 1 + Math.floor(random() * most)
/** The first of a list more often than the last. */
const pick = (random: Random, list: readonly string[]): string =>
  list[Math.floor(random() ** 2 * list.length)] ?? ''

const linesOf = (random: Random, shop: LoadShop): LoadLine[] => {
  const skus = Array.from({ length: upTo(random, 4) }, () =>
    pick(random, random() < 0.25 ? shop.scarce : shop.plenty),
  )
  return [...new Set(skus)].map(sku => ({ sku, quantity: upTo(random, 3) }))
}

/** Restocks of what is scarce, small returns, and corrections that take away. */
const adjustmentOf = (random: Random, shop: LoadShop): LoadLine => {
  const kind = random()
  if (kind < 0.6) return { sku: pick(random, shop.scarce), quantity: 4 + upTo(random, 8) }
  if (kind < 0.8) return { sku: pick(random, shop.plenty), quantity: upTo(random, 2) }
  return { sku: pick(random, random() < 0.5 ? shop.scarce : shop.plenty), quantity: -upTo(random, 3) }
}

/** The next request of a client. */
export const nextRequest = (random: Random, shop: LoadShop, key: string): LoadRequest => {
  const kind = random()
  if (kind < 0.14) return { kind: 'adjustment', key, lines: [adjustmentOf(random, shop)] }
  const lines = linesOf(random, shop)
  if (kind < 0.17) return { kind: 'faulty-order', key, lines: lines.slice(0, 2) }
  if (kind < 0.19) return { kind: 'invalid-order', key, lines: lines.map(line => ({ ...line, quantity: 0 })) }
  return { kind: kind < 0.27 ? 'keyless-order' : 'order', key, lines }
}

/** The first stock of each SKU, as adjustments. */
export const initialRequests = ({ run, plenty, scarce }: LoadShop): LoadRequest[] => {
  const initial =
    (units: number) =>
    (sku: string): LoadRequest => ({
      kind: 'adjustment',
      key: `${run}:initial:${sku}`,
      lines: [{ sku, quantity: units }],
    })
  return [...plenty.map(initial(initialUnits.plenty)), ...scarce.map(initial(initialUnits.scarce))]
}
