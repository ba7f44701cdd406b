import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { groupInvoices, interpretInvoice } from '../../../src/orders/import/invoice.ts'
import { amountMinor, parseDecimal } from '../../../src/orders/import/money.ts'
import type { Invoice, RetailRow } from '../../../src/orders/import/types.ts'

const row = (
  invoiceNo: string,
  sku: string,
  quantity: number,
  price: string,
  customerId = '17850',
): RetailRow => {
  const unitPrice = parseDecimal(price)
  if (unitPrice === undefined) throw new Error(`${price} is no price`)
  return { lineNumber: 2, invoiceNo, sku, quantity: BigInt(quantity), unitPrice, customerId }
}

const invoice = (
  invoiceNo: string,
  ...rows: readonly [sku: string, quantity: number, price: string][]
): Invoice => ({
  invoiceNo,
  occurrence: 1,
  rows: rows.map(([sku, quantity, price]) => row(invoiceNo, sku, quantity, price)),
})

const group = async (rows: readonly RetailRow[]): Promise<Invoice[]> => {
  const invoices: Invoice[] = []
  const source = (async function* () {
    yield* rows
  })()
  for await (const one of groupInvoices(source)) invoices.push(one)
  return invoices
}

describe('amounts', () => {
  test.each([
    [6, '2.55', 1530n],
    [1, '2.575', 258n],
    [1, '2.574', 257n],
    [3, '0.005', 2n],
    [1, '0.004', 0n],
    [1, '10', 1000n],
    // In floats 1.005 x 100 is 100.49999…
    [1, '1.005', 101n],
    [1_000_000, '11062.06', 1_106_206_000_000n],
  ])('%i x %s is %i minor units', (quantity, price, expected) => {
    expect(amountMinor(BigInt(quantity), parseDecimal(price) ?? { digits: 0n, scale: 0 })).toBe(expected)
  })

  test('an amount is never more than half a minor unit away from the exact one', () => {
    fc.assert(
      fc.property(
        fc.bigInt(1n, 1_000_000n),
        fc.bigInt(0n, 10n ** 9n),
        fc.integer({ min: 0, max: 6 }),
        (q, digits, scale) => {
          const doubledError =
            2n * (amountMinor(q, { digits, scale }) * 10n ** BigInt(scale) - q * digits * 100n)
          const unit = 10n ** BigInt(scale)
          expect(doubledError > -unit && doubledError <= unit).toBe(true)
        },
      ),
    )
  })

  test.each(['', '1e3', '2,55', ' 1', '.5', '1.', 'NaN', '0x10'])('"%s" is no decimal number', text => {
    expect(parseDecimal(text)).toBeUndefined()
  })
})

describe('grouping', () => {
  test('consecutive rows of one number are one invoice', async () => {
    const invoices = await group([row('1', 'A', 1, '1'), row('1', 'B', 1, '1'), row('2', 'A', 1, '1')])
    expect(invoices.map(one => [one.invoiceNo, one.occurrence, one.rows.length])).toEqual([
      ['1', 1, 2],
      ['2', 1, 1],
    ])
  })

  test('a number that comes again later is another invoice', async () => {
    const invoices = await group([row('1', 'A', 1, '1'), row('2', 'A', 1, '1'), row('1', 'B', 1, '1')])
    expect(invoices.map(one => [one.invoiceNo, one.occurrence])).toEqual([
      ['1', 1],
      ['2', 1],
      ['1', 2],
    ])
  })

  test('no rows make no invoice', async () => {
    expect(await group([])).toEqual([])
  })
})

describe('orders', () => {
  test('rows of one SKU become one line of summed quantity and per-row rounded amounts', () => {
    const { request } = interpretInvoice(invoice('1', ['A', 1, '0.005'], ['B', 2, '3'], ['A', 1, '0.005']))
    expect(request).toEqual({
      kind: 'order',
      customerId: '17850',
      lines: [
        { sku: 'A', quantity: 2, amountMinor: 2 },
        { sku: 'B', quantity: 2, amountMinor: 600 },
      ],
    })
  })

  test('rows without quantity or price are left out and counted, the quantity first', () => {
    const { request, skippedRows } = interpretInvoice(
      invoice(
        '1',
        ['A', 1, '1'],
        ['B', -2, '1'],
        ['C', 0, '1'],
        ['D', 1, '0.0'],
        ['E', 1, '-3'],
        ['F', -1, '0'],
      ),
    )
    expect(request).toMatchObject({ kind: 'order', lines: [{ sku: 'A' }] })
    expect(skippedRows).toEqual({ 'quantity not positive': 3, 'price not positive': 2 })
  })

  test('an invoice with no row left is skipped', () => {
    expect(interpretInvoice(invoice('1', ['A', 56, '0.0'])).request).toEqual({
      kind: 'skipped',
      reason: 'no order row left',
    })
  })

  test('an invoice whose sums are beyond exact numbers is refused by name', () => {
    expect(() => interpretInvoice(invoice('77', ['A', Number.MAX_SAFE_INTEGER, '11062.06']))).toThrow(
      /invoice 77/,
    )
  })
})

describe('returns', () => {
  test('an invoice beginning with C gives back the size of its rows, per SKU, whatever their price', () => {
    const { request } = interpretInvoice(invoice('C1', ['A', -1, '2'], ['B', -3, '0'], ['A', -4, '2']))
    expect(request).toEqual({
      kind: 'return',
      units: [
        { sku: 'A', quantity: 5 },
        { sku: 'B', quantity: 3 },
      ],
    })
  })

  test('rows of quantity zero are left out', () => {
    expect(interpretInvoice(invoice('C1', ['A', 0, '2']))).toEqual({
      request: { kind: 'skipped', reason: 'no return row left' },
      skippedRows: { 'quantity zero in a return': 1 },
    })
  })
})
