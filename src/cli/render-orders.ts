import { formatCount, formatMinor } from './format.ts'
import type { Answer } from './shop.ts'
import { isRecord } from '../orders/client.ts'

const numberOf = (value: unknown): number => (typeof value === 'number' ? value : Number.NaN)
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '?')
const linesOf = (order: Answer): readonly unknown[] => (Array.isArray(order['lines']) ? order['lines'] : [])

/** One line about an order just placed. */
export const renderPlaced = (order: Answer): string =>
  `order ${textOf(order['id'])} ${textOf(order['status'])}: ${linesOf(order).length} lines, ${formatMinor(numberOf(order['totalMinor']))}`

/** An order, its state and its lines. */
export const renderOrder = (order: Answer): string =>
  [
    `order     ${textOf(order['id'])}`,
    `customer  ${textOf(order['customerId'])}`,
    `status    ${textOf(order['status'])}`,
    ...linesOf(order)
      .filter(isRecord)
      .map(
        line =>
          `line      ${textOf(line['sku'])} x ${formatCount(numberOf(line['quantity']))}  ${formatMinor(numberOf(line['amountMinor']))}`,
      ),
    `total     ${formatMinor(numberOf(order['totalMinor']))}`,
  ].join('\n')

/** What can be sold now, and what the ledger says. */
export const renderStock = (stock: Answer): string => {
  const sellable = isRecord(stock['sellable']) ? stock['sellable'] : {}
  const ledger = isRecord(stock['ledger']) ? stock['ledger'] : undefined
  const count = (value: unknown): string => formatCount(numberOf(value))
  return [
    `can be sold  ${count(sellable['available'])} (mode ${textOf(sellable['mode'])})`,
    ledger === undefined
      ? 'ledger       has not seen this SKU yet'
      : `ledger       on hand ${count(ledger['onHand'])}, reserved ${count(ledger['reserved'])}, sold ${count(ledger['sold'])} (version ${count(ledger['version'])})`,
    ...(stock['stale'] === true ? ['stale        the ledger is behind what can be sold'] : []),
  ].join('\n')
}

/** One line about an adjustment just taken. */
export const renderAdjusted = (adjustment: Answer): string => {
  const quantity = numberOf(adjustment['quantity'])
  const sign = quantity > 0 ? '+' : ''
  return `${textOf(adjustment['sku'])}: ${sign}${formatCount(quantity)} units (${textOf(adjustment['reason'])}) on their way; they can be sold once the ledger has seen them`
}
