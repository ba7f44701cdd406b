import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { faultsOf } from '../../../src/orders/http/faults.ts'
import {
  adjustmentRequestSchema,
  idempotencyHeadersSchema,
  orderRequestSchema,
} from '../../../src/orders/http/schemas.ts'
import { mergeLines } from '../../../src/orders/order.ts'

const line = { sku: 'A', quantity: 1, unitPriceMinor: 5 }
const order = { customerId: 'c', lines: [line] }
const orderWith = (change: object) => ({ ...order, lines: [{ ...line, ...change }] })

const faultsIn = (body: unknown): Record<string, string> =>
  Object.fromEntries(
    faultsOf(orderRequestSchema.safeParse(body).error?.issues ?? []).map(fault => [
      fault.pointer,
      fault.message,
    ]),
  )

describe('a valid order', () => {
  test.each([
    ['quotes', `O'Neill "12\\"`],
    ['spaces and signs', '15056 BL_-./:#%&'],
    ['letters of any script', 'Ünïcødé 商品 ☕'],
    ['the longest', 'x'.repeat(128)],
  ])('may have a SKU of %s', (_name, sku) => {
    expect(faultsIn(orderWith({ sku }))).toEqual({})
  })

  test('has its texts trimmed', () => {
    expect(orderRequestSchema.parse({ customerId: ' c ', lines: [{ ...line, sku: '\u00a0 A\t' }] })).toEqual(
      order,
    )
  })

  test.each([1, 1_000_000])('may have a quantity of %d', quantity => {
    expect(faultsIn(orderWith({ quantity }))).toEqual({})
  })

  test('may be free, and may have 2,000 lines', () => {
    const lines = Array.from({ length: 2_000 }, (_, index) => ({
      sku: `S${index}`,
      quantity: 1,
      amountMinor: 0,
    }))
    expect(faultsIn({ customerId: 'c', lines })).toEqual({})
  })
})

describe('a wrong order', () => {
  const atQuantity = { '#/lines/0/quantity': 'must be a number of units, an integer from 1 to 1000000' }
  const atSku = (message: string) => ({ '#/lines/0/sku': message })
  const unprintable = 'must hold printable characters only'

  test.each<[string, unknown, Record<string, string>]>([
    ['nothing', undefined, { '#': 'must be a JSON object with customerId and lines' }],
    ['null', null, { '#': 'must be a JSON object with customerId and lines' }],
    ['an array', [], { '#': 'must be a JSON object with customerId and lines' }],
    ['a text', 'order', { '#': 'must be a JSON object with customerId and lines' }],
    ['empty object', {}, { '#/customerId': 'is required', '#/lines': 'is required' }],
    ['no lines', { customerId: 'c', lines: [] }, { '#/lines': 'must hold at least one line' }],
    ['lines of another type', { customerId: 'c', lines: 'A' }, { '#/lines': 'must be an array of lines' }],
    ['empty customer', { ...order, customerId: '  ' }, { '#/customerId': 'must not be empty' }],
    ['customer as a number', { ...order, customerId: 17850 }, { '#/customerId': 'must be a string' }],
    ['unknown field', { ...order, discount: 1 }, { '#/discount': 'is not a known field' }],
    ['unknown field of a line', orderWith({ price: 1 }), { '#/lines/0/price': 'is not a known field' }],
    ['odd field name', { ...order, 'a/b~c': 1 }, { '#/a~1b~0c': 'is not a known field' }],
    ['negative quantity', orderWith({ quantity: -1 }), atQuantity],
    ['zero quantity', orderWith({ quantity: 0 }), atQuantity],
    ['fractional quantity', orderWith({ quantity: 1.5 }), atQuantity],
    ['huge quantity', orderWith({ quantity: 1e300 }), atQuantity],
    ['infinite quantity', orderWith({ quantity: Number.POSITIVE_INFINITY }), atQuantity],
    ['quantity above the limit', orderWith({ quantity: 1_000_001 }), atQuantity],
    ['quantity as a text', orderWith({ quantity: '1' }), atQuantity],
    ['quantity null', orderWith({ quantity: null }), atQuantity],
    ['no quantity', orderWith({ quantity: undefined }), { '#/lines/0/quantity': 'is required' }],
    ['SKU of 10 kB', orderWith({ sku: 'A'.repeat(10_000) }), atSku('must have at most 128 characters')],
    [
      'SKU of many bytes',
      orderWith({ sku: '商'.repeat(100) }),
      atSku('must have at most 256 bytes of UTF-8'),
    ],
    ['empty SKU', orderWith({ sku: '' }), atSku('must not be empty')],
    ['SKU with a NUL', orderWith({ sku: 'A\u0000B' }), atSku(unprintable)],
    ['SKU with a line feed', orderWith({ sku: 'A\nB' }), atSku(unprintable)],
    ['SKU with an escape', orderWith({ sku: 'A\u001b[31mB' }), atSku(unprintable)],
    ['SKU with a bidi override', orderWith({ sku: 'A\u202eB' }), atSku(unprintable)],
    ['SKU with a lone surrogate', orderWith({ sku: 'A\ud800B' }), atSku(unprintable)],
    ['SKU with a line separator', orderWith({ sku: 'A\u2028B' }), atSku(unprintable)],
    ['negative price', orderWith({ unitPriceMinor: -1 }), { '#/lines/0/unitPriceMinor': expect.any(String) }],
    [
      'fractional price',
      orderWith({ unitPriceMinor: 0.5 }),
      { '#/lines/0/unitPriceMinor': expect.any(String) },
    ],
    [
      'both prices',
      orderWith({ amountMinor: 5 }),
      { '#/lines/0': 'must have exactly one of unitPriceMinor and amountMinor' },
    ],
    [
      'no price',
      orderWith({ unitPriceMinor: undefined }),
      { '#/lines/0': 'must have exactly one of unitPriceMinor and amountMinor' },
    ],
    [
      'amount beyond exact numbers',
      orderWith({ quantity: 1_000_000, unitPriceMinor: 9_000_000_000_000 }),
      { '#/lines/0': 'comes to more than can be counted exactly' },
    ],
    [
      'a SKU whose lines come to too much',
      {
        customerId: 'c',
        lines: [
          { ...line, quantity: 600_000 },
          { ...line, quantity: 600_000 },
        ],
      },
      { '#/lines/1/quantity': 'makes more than 1000000 units of one SKU in the order' },
    ],
  ])('%s', (_name, body, faults) => {
    expect(faultsIn(body)).toEqual(faults)
  })

  test('every fault is told at once', () => {
    const body = {
      extra: 1,
      lines: [
        { sku: '', quantity: 0, unitPriceMinor: -1, amountMinor: 1, more: 1 },
        7,
        { ...line, quantity: 600_000 },
        { ...line, quantity: 600_000, unitPriceMinor: undefined },
      ],
    }
    expect(Object.keys(faultsIn(body)).sort()).toEqual([
      '#/customerId',
      '#/extra',
      '#/lines/0',
      '#/lines/0/more',
      '#/lines/0/quantity',
      '#/lines/0/sku',
      '#/lines/0/unitPriceMinor',
      '#/lines/1',
      '#/lines/3',
      '#/lines/3/quantity',
    ])
  })

  test('any JSON at all is either valid and sums up exactly, or has faults', () => {
    const anyLine = fc.record(
      {
        sku: fc.anything(),
        quantity: fc.anything(),
        unitPriceMinor: fc.anything(),
        amountMinor: fc.anything(),
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(
        fc.record({ customerId: fc.anything(), lines: fc.array(fc.oneof(anyLine, fc.anything())) }),
        body => {
          const result = orderRequestSchema.safeParse(body)
          const faults = faultsOf(result.error?.issues ?? [])
          const exact = mergeLines(result.data?.lines ?? []).every(
            merged => merged.quantity <= 1_000_000 && Number.isSafeInteger(merged.amountMinor),
          )
          expect([faults.length === 0, exact]).toEqual([result.success, true])
        },
      ),
    )
  })
})

test.each([
  [{ quantity: 0, reason: 'x' }],
  [{ quantity: 1.5, reason: 'x' }],
  [{ quantity: 1_000_000_001, reason: 'x' }],
  [{ quantity: 1, reason: '' }],
  [{ quantity: 1, reason: 'x'.repeat(65) }],
  [{ quantity: 1, reason: 'a\nb' }],
  [{ quantity: 1 }],
  [{ quantity: 1, reason: 'x', sku: 'B' }],
])('the adjustment %j is refused', body => {
  expect(adjustmentRequestSchema.safeParse(body).success).toBe(false)
})

test.each(['', 'a b', 'é', 'a\tb', 'x'.repeat(256)])('the Idempotency-Key %j is refused', key => {
  expect(idempotencyHeadersSchema.safeParse({ 'idempotency-key': key }).success).toBe(false)
})

test.each(['k', '"quoted"', 'x'.repeat(255), undefined])('the Idempotency-Key %j is taken', key => {
  expect(idempotencyHeadersSchema.safeParse({ 'idempotency-key': key }).success).toBe(true)
})
