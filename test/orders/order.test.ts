import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { entryKindOf, newAdjustmentId, newOrderId } from '../../src/orders/entry-id.ts'
import { fingerprintOf } from '../../src/orders/fingerprint.ts'
import { amountOf, mergeLines, orderOf } from '../../src/orders/order.ts'
import { orderCreated, stockAdjusted } from '../../src/orders/outbox.ts'

const line = fc.record({
  sku: fc.constantFrom('A', 'B', 'C', '__proto__', 'constructor'),
  quantity: fc.integer({ min: 1, max: 1_000 }),
  unitPriceMinor: fc.integer({ min: 0, max: 10_000 }),
})

describe('mergeLines', () => {
  test('keeps quantities and amounts, one line per SKU, in order of first appearance', () => {
    fc.assert(
      fc.property(fc.array(line, { maxLength: 30 }), lines => {
        const merged = mergeLines(lines)
        expect(merged.map(each => each.sku)).toEqual([...new Set(lines.map(each => each.sku))])
        for (const { sku, quantity, amountMinor } of merged) {
          const same = lines.filter(each => each.sku === sku)
          expect(quantity).toBe(same.reduce((sum, each) => sum + each.quantity, 0))
          expect(amountMinor).toBe(same.reduce((sum, each) => sum + amountOf(each), 0))
        }
      }),
    )
  })

  test('either price makes the amount; both or neither make none', () => {
    expect(amountOf({ sku: 'A', quantity: 3, unitPriceMinor: 5 })).toBe(15)
    expect(amountOf({ sku: 'A', quantity: 3, amountMinor: 7 })).toBe(7)
    expect(amountOf({ sku: 'A', quantity: 3, amountMinor: 7, unitPriceMinor: 5 })).toBeNaN()
    expect(amountOf({ sku: 'A', quantity: 3 })).toBeNaN()
  })
})

describe('outbox events', () => {
  const id = newOrderId()
  const order = orderOf(id, 1_700_000_000_000, 'c', mergeLines([{ sku: 'A', quantity: 2, amountMinor: 9 }]), [
    { sku: 'A', quantity: 2, mode: 'lwt', generation: 3 },
  ])

  test('an order is announced under its own id, with where its stock is held', () => {
    expect(orderCreated(order)).toMatchObject({
      aggregatetype: 'order',
      aggregateid: id,
      type: 'OrderCreated',
      payload: {
        orderId: id,
        customerId: 'c',
        lines: [{ sku: 'A', quantity: 2, amountMinor: 9, mode: 'lwt', generation: 3 }],
        totalMinor: 9,
        createdAt: 1_700_000_000_000,
      },
    })
    expect(orderCreated(order).id).toBe(orderCreated(order).id)
  })

  test('an adjustment is announced under its SKU', () => {
    const adjustment = {
      id: newAdjustmentId(),
      sku: 'A',
      quantity: -2,
      reason: 'correction',
      createdAt: 5,
      mode: 'lwt' as const,
      generation: 1,
    }
    const event = stockAdjusted(adjustment)
    expect(event).toMatchObject({ aggregatetype: 'stock', aggregateid: 'A', type: 'StockAdjusted' })
    expect(event.payload).toEqual({
      adjustmentId: adjustment.id,
      sku: 'A',
      quantity: -2,
      reason: 'correction',
      mode: 'lwt',
      generation: 1,
      createdAt: 5,
    })
  })
})

test('the kind of an entry can be read off its id', () => {
  expect(entryKindOf(newOrderId())).toBe('order')
  expect(entryKindOf(newAdjustmentId())).toBe('adjustment')
})

describe('fingerprintOf', () => {
  test('does not depend on the order of keys, nor on members that are undefined', () => {
    expect(fingerprintOf('x', { a: 1, b: [{ c: 2, d: 3 }] })).toBe(
      fingerprintOf('x', { b: [{ d: 3, c: 2, e: undefined }], a: 1 }),
    )
  })

  test('depends on the operation, on values and on the order of lines', () => {
    const prints = [
      fingerprintOf('x', { a: 1 }),
      fingerprintOf('y', { a: 1 }),
      fingerprintOf('x', { a: '1' }),
      fingerprintOf('x', { a: [1, 2] }),
      fingerprintOf('x', { a: [2, 1] }),
    ]
    expect(new Set(prints).size).toBe(prints.length)
  })
})
