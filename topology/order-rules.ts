import type { OrderCreated, Reason } from '../schemas/types.ts'

/** The largest quantity of one line, after lines of a SKU were merged. */
export const maxLineQuantity = 1_000_000

const lineFaults = ({ lines }: OrderCreated): Reason[] =>
  lines.flatMap(({ sku, quantity, amountMinor }) => [
    ...(Number.isSafeInteger(quantity) && quantity >= 1 && quantity <= maxLineQuantity
      ? []
      : [
          {
            code: 'bad-quantity',
            message: `quantity ${quantity} is not between 1 and ${maxLineQuantity}`,
            sku,
          },
        ]),
    ...(Number.isSafeInteger(amountMinor) && amountMinor >= 0
      ? []
      : [{ code: 'bad-amount', message: `amount ${amountMinor} is negative`, sku }]),
  ])

const repeatedSkus = ({ lines }: OrderCreated): Reason[] => {
  const seen = new Set<string>()
  const repeated = lines.filter(({ sku }) => seen.size === seen.add(sku).size)
  return repeated.map(({ sku }) => ({ code: 'repeated-sku', message: `two lines name the SKU ${sku}`, sku }))
}

/**
 * Every fault of an order as it comes from the outbox. The order service refuses the same faults earlier, with an answer; here
 * they are caught whoever wrote the row.
 *
 * @example faultsOf(order).length === 0
 */
export const faultsOf = (order: OrderCreated): Reason[] => {
  if (order.lines.length === 0) return [{ code: 'no-lines', message: 'the order has no line', sku: null }]
  const total = order.lines.reduce((sum, line) => sum + line.amountMinor, 0)
  return [
    ...lineFaults(order),
    ...repeatedSkus(order),
    ...(total === order.totalMinor
      ? []
      : [
          {
            code: 'total-mismatch',
            message: `the lines sum to ${total}, the order says ${order.totalMinor}`,
            sku: null,
          },
        ]),
  ]
}
