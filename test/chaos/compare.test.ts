import { expect, test } from 'vitest'
import { compareAnswers } from './support/compare.ts'
import type { AdjustmentRow, OrderRow } from './support/compare.ts'
import type { LoadRequest } from './support/requests.ts'

const order: LoadRequest = {
  kind: 'order',
  key: 'r:1:1',
  lines: [
    { sku: 'r-a', quantity: 2 },
    { sku: 'r-b', quantity: 1 },
  ],
}
const faulty: LoadRequest = { kind: 'faulty-order', key: 'r:1:2', lines: [{ sku: 'r-a', quantity: 1 }] }
const restock: LoadRequest = { kind: 'adjustment', key: 'r:1:3', lines: [{ sku: 'r-a', quantity: 9 }] }

const told = new Map([
  ['o-1', order],
  ['o-2', faulty],
  ['a-1', restock],
])
const orderRow: OrderRow = {
  id: 'o-1',
  customerId: 'r:1:1',
  status: 'confirmed',
  lines: order.lines.toReversed(),
}
const faultyRow: OrderRow = { id: 'o-2', customerId: 'r:1:2', status: 'rejected', lines: faulty.lines }
const restockRow: AdjustmentRow = { id: 'a-1', sku: 'r-a', quantity: 9 }

const violationsOf = (orders: readonly OrderRow[], adjustments: readonly AdjustmentRow[] = [restockRow]) =>
  compareAnswers({ accepted: told, uncertain: new Map(), unexpected: [] }, { orders, adjustments }).violations

test('what the clients were told is what there is', () => {
  expect(violationsOf([orderRow, faultyRow])).toEqual([])
})

test.each<[string, readonly OrderRow[], readonly AdjustmentRow[] | undefined, string]>([
  ['lost order', [faultyRow], undefined, 'Postgres has no row'],
  ['lost adjustment', [orderRow, faultyRow], [], 'Postgres has no row'],
  ['doubled order', [orderRow, faultyRow, { ...orderRow, id: 'o-3' }], undefined, 'accepted twice'],
  [
    'order of nobody',
    [orderRow, faultyRow, { ...orderRow, id: 'o-3', customerId: 'r:1:9' }],
    undefined,
    'nobody was told',
  ],
  ['order of another request', [{ ...orderRow, customerId: 'r:1:9' }, faultyRow], undefined, 'but was told'],
  ['changed lines', [{ ...orderRow, lines: faulty.lines }, faultyRow], undefined, 'instead of'],
  ['open order', [{ ...orderRow, status: 'created' }, faultyRow], undefined, 'created instead of confirmed'],
  [
    'confirmed faulty order',
    [orderRow, { ...faultyRow, status: 'confirmed' }],
    undefined,
    'instead of rejected',
  ],
  ['changed adjustment', [orderRow, faultyRow], [{ ...restockRow, quantity: 8 }], 'instead of'],
])('a %s is a violation', (_, orders, adjustments, words) => {
  expect(violationsOf(orders, adjustments).join('\n')).toContain(words)
})

test('an answer that nobody should have been given is a violation', () => {
  const { violations } = compareAnswers(
    { accepted: new Map(), uncertain: new Map(), unexpected: ['order r:1:1: Internal (500)'] },
    { orders: [], adjustments: [] },
  )
  expect(violations).toEqual(['order r:1:1: Internal (500)'])
})

test('a request without a key and without an answer may have made an order, of its own content, once', () => {
  const keyless: LoadRequest = { ...order, kind: 'keyless-order', key: 'r:1:7' }
  const row: OrderRow = { ...orderRow, id: 'o-7', customerId: 'r:1:7' }
  const of = (orders: readonly OrderRow[]) =>
    compareAnswers(
      { accepted: new Map(), uncertain: new Map([['r:1:7', keyless]]), unexpected: [] },
      { orders, adjustments: [] },
    ).violations.join('\n')
  expect(of([])).toBe('')
  expect(of([row])).toBe('')
  expect(of([row, { ...row, id: 'o-8' }])).toContain('accepted twice')
  expect(of([{ ...row, lines: faulty.lines }])).toContain('instead of')
})
