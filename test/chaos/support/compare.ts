import type { LoadRecord } from './load.ts'
import type { LoadLine, LoadRequest } from './requests.ts'

/** An order of the run as Postgres has it; abandoned ones have no customer, and are not among them. */
export interface OrderRow {
  readonly id: string
  readonly customerId: string
  readonly status: string
  readonly lines: readonly LoadLine[]
}

export interface AdjustmentRow {
  readonly id: string
  readonly sku: string
  readonly quantity: number
}

export interface Comparison {
  readonly violations: readonly string[]
  readonly compared: Readonly<Record<string, number>>
}

const textOf = (lines: readonly LoadLine[]): string =>
  lines
    .map(({ sku, quantity }) => `${quantity} of ${sku}`)
    .sort()
    .join(', ')

const endOf = (request: LoadRequest): string => (request.kind === 'faulty-order' ? 'rejected' : 'confirmed')

/**
 * What the clients were told against what Postgres holds of their run: each accepted request has one row, of its own content and
 * with its end, and there is no row besides but of requests whose answer never came and that had no key to ask again; pure.
 */
export const compareAnswers = (
  record: Pick<LoadRecord, 'accepted' | 'uncertain' | 'unexpected'>,
  rows: { readonly orders: readonly OrderRow[]; readonly adjustments: readonly AdjustmentRow[] },
): Comparison => {
  const violations: string[] = [...record.unexpected]
  const missing = new Map(record.accepted)
  const customers = new Map<string, string>()
  for (const { id, customerId, status, lines } of rows.orders) {
    const request = missing.get(id) ?? record.uncertain.get(customerId)
    missing.delete(id)
    const twin = customers.get(customerId)
    customers.set(customerId, id)
    if (twin !== undefined) violations.push(`request ${customerId} was accepted twice: ${twin} and ${id}`)
    if (request === undefined) {
      violations.push(`order ${id} of ${customerId} exists, and nobody was told`)
      continue
    }
    if (request.key !== customerId)
      violations.push(`order ${id} is of ${customerId}, but was told ${request.key}`)
    if (textOf(request.lines) !== textOf(lines))
      violations.push(`order ${id} holds ${textOf(lines)} instead of ${textOf(request.lines)}`)
    if (status !== endOf(request)) violations.push(`order ${id} is ${status} instead of ${endOf(request)}`)
  }
  for (const { id, sku, quantity } of rows.adjustments) {
    // An abandoned one has no SKU, and is not among them.
    const request = missing.get(id)
    missing.delete(id)
    if (request === undefined) violations.push(`adjustment ${id} of ${sku} exists, and nobody was told`)
    else if (textOf(request.lines) !== textOf([{ sku, quantity }]))
      violations.push(`adjustment ${id} is ${quantity} of ${sku} instead of ${textOf(request.lines)}`)
  }
  for (const [id, { kind, key }] of missing)
    violations.push(`${kind} ${key} was accepted as ${id}, and Postgres has no row of it`)
  return {
    violations,
    compared: {
      'accepted orders with their rows, lines and ends': rows.orders.length,
      'accepted adjustments with their rows': rows.adjustments.length,
    },
  }
}
