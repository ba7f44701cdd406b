import type { Random } from '../../core/random.ts'
import { integerBetween, zipf } from './random.ts'

/** What the shop of a demonstration has. */
export interface DemoSku {
  readonly sku: string
  readonly units: number
}

/** One order to send; `isInvalid` when the service has to refuse it as wrong input. */
export interface DemoOrder {
  readonly body: unknown
  readonly isInvalid: boolean
}

const skuCount = 200
/** Every so-many-th SKU is scarce, one of the popular ones among them, so that some run out. */
const scarceEvery = 20
const plentyUnits = 1_000_000
const invalidShare = 0.02

/** SKUs named for one run, so that a second demonstration on the same servers sells its own stock. */
export const demoSkus = (run: string, orders: number): readonly DemoSku[] =>
  Array.from({ length: skuCount }, (_, index) => ({
    sku: `${run}-${String(index + 1).padStart(3, '0')}`,
    // Scarcer the less it is asked for, so that each of them runs out about half-way.
    units: index % scarceEvery === 3 ? Math.max(2, Math.round(orders / (20 * (index + 1)))) : plentyUnits,
  }))

/** The orders of a run: SKUs by Zipf's law, one to three lines, a few of them wrong on purpose. */
export function* demoOrders(skus: readonly DemoSku[], count: number, random: Random): Generator<DemoOrder> {
  const pick = zipf(skus.length)
  for (let index = 0; index < count; index += 1) {
    const customerId = `customer-${integerBetween(random, 1, 500)}`
    const lines = Array.from({ length: integerBetween(random, 1, 3) }, () => ({
      sku: skus[pick(random)]?.sku ?? '',
      quantity: integerBetween(random, 1, 3),
      unitPriceMinor: integerBetween(random, 50, 20_000),
    }))
    if (random() >= invalidShare) yield { body: { customerId, lines }, isInvalid: false }
    else yield { body: spoil(customerId, lines, integerBetween(random, 0, 3)), isInvalid: true }
  }
}

const spoil = (
  customerId: string,
  lines: readonly { sku: string; quantity: number }[],
  way: number,
): unknown => {
  switch (way) {
    case 0:
      return { customerId, lines: [] }
    case 1:
      return { customerId, lines: lines.map(line => ({ ...line, quantity: -line.quantity })) }
    case 2:
      return { customerId, lines: lines.map(line => ({ ...line, quantity: 1.5 })) }
    default:
      return { lines }
  }
}
