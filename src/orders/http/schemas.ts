import { Buffer } from 'node:buffer'
import { z } from 'zod'
import { limits } from '../limits.ts'
import { amountOf } from '../order.ts'

/** Everything with a glyph, quotes and spaces included; no control, format, private or unassigned characters. */
const printable = /^[^\p{C}\p{Zl}\p{Zp}]*$/u

const missing =
  (message: string) =>
  (issue: { readonly input?: unknown }): string =>
    issue.input === undefined ? 'is required' : message

const integer = (minimum: number, maximum: number, what: string) => {
  const message = `must be ${what}, an integer from ${minimum} to ${maximum}`
  return z
    .number({ error: missing(message) })
    .int(message)
    .min(minimum, message)
    .max(maximum, message)
}

const text = (maximum: number) =>
  z
    .string({ error: missing('must be a string') })
    .trim()
    .min(1, 'must not be empty')
    .max(maximum, `must have at most ${maximum} characters`)
    .regex(printable, 'must hold printable characters only')

const skuSchema = text(limits.skuCharacters)
  .refine(sku => sku.length > limits.skuCharacters || Buffer.byteLength(sku) <= limits.skuBytes, {
    message: `must have at most ${limits.skuBytes} bytes of UTF-8`,
  })
  .describe('Stock keeping unit; surrounding white space is not part of it.')
  .meta({ examples: ['85123A'] })

const priceSchema = integer(0, limits.priceMinor, 'an amount in minor units').optional()

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isIntegerUpTo = (value: unknown, maximum: number): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= maximum

/** Runs a check whatever other faults the object has, so that all are told at once. */
const always = { when: (payload: { value: unknown }) => isObject(payload.value) }

const lineSchema = z
  .strictObject(
    {
      sku: skuSchema,
      quantity: integer(1, limits.quantity, 'a number of units').meta({ examples: [6] }),
      unitPriceMinor: priceSchema.describe('Price of one unit, in minor units.').meta({ examples: [255] }),
      amountMinor: priceSchema.describe(
        'Price of the whole line, in minor units; instead of unitPriceMinor.',
      ),
    },
    { error: 'must be an object with sku, quantity and one of unitPriceMinor and amountMinor' },
  )
  .refine(line => (line.unitPriceMinor === undefined) !== (line.amountMinor === undefined), {
    message: 'must have exactly one of unitPriceMinor and amountMinor',
    ...always,
  })

/** Sums over lines, as far as the lines are usable; the lines' own faults are told by their own schema. */
const checkSums = (
  lines: readonly unknown[],
  fault: (path: PropertyKey[], message: string) => void,
): void => {
  const quantities = new Map<string, number>()
  let total = 0
  lines.forEach((line, index) => {
    if (!isObject(line) || typeof line['sku'] !== 'string') return
    if (!isIntegerUpTo(line['quantity'], limits.quantity)) return
    const before = quantities.get(line['sku']) ?? 0
    const after = before + line['quantity']
    quantities.set(line['sku'], after)
    // Told once, at the line that makes the sum too large.
    if (before <= limits.quantity && after > limits.quantity) {
      fault(['lines', index, 'quantity'], `makes more than ${limits.quantity} units of one SKU in the order`)
    }
    const { unitPriceMinor, amountMinor } = line
    const amount = amountOf({
      sku: line['sku'],
      quantity: line['quantity'],
      unitPriceMinor: isIntegerUpTo(unitPriceMinor, limits.priceMinor) ? unitPriceMinor : undefined,
      amountMinor: isIntegerUpTo(amountMinor, limits.priceMinor) ? amountMinor : undefined,
    })
    if (Number.isNaN(amount)) return
    if (amount > limits.amountMinor) fault(['lines', index], 'comes to more than can be counted exactly')
    else total += amount
  })
  if (total > limits.amountMinor) fault(['lines'], 'come to more than can be counted exactly')
}

export const orderRequestSchema = z
  .strictObject(
    {
      customerId: text(limits.customerCharacters).meta({ examples: ['17850'] }),
      lines: z
        .array(lineSchema, { error: missing('must be an array of lines') })
        .min(1, 'must hold at least one line')
        .max(limits.linesPerOrder, `must hold at most ${limits.linesPerOrder} lines`),
    },
    { error: 'must be a JSON object with customerId and lines' },
  )
  .superRefine((order, context) => {
    if (Array.isArray(order.lines)) {
      checkSums(order.lines, (path, message) => context.addIssue({ code: 'custom', path, message }))
    }
  }, always)
  .meta({
    examples: [
      {
        customerId: '17850',
        lines: [
          { sku: '85123A', quantity: 6, unitPriceMinor: 255 },
          { sku: '71053', quantity: 6, amountMinor: 2034 },
        ],
      },
    ],
  })

export const adjustmentRequestSchema = z
  .strictObject(
    {
      quantity: integer(
        -limits.adjustmentQuantity,
        limits.adjustmentQuantity,
        'a number of units other than 0',
      )
        .refine(quantity => quantity !== 0, 'must not be 0')
        .describe('Positive adds stock, negative takes it away.'),
      reason: text(limits.reasonCharacters).describe('E.g. initial, restock, return, correction.'),
    },
    { error: 'must be a JSON object with quantity and reason' },
  )
  .meta({ examples: [{ quantity: 500, reason: 'restock' }] })

export const skuParamsSchema = z.object({ sku: skuSchema })
export const orderParamsSchema = z.object({ id: z.guid('must be a UUID') })

export const idempotencyHeadersSchema = z.object({
  'idempotency-key': z
    .string()
    .regex(/^[\x21-\x7e]+$/, 'must be 1 to 255 visible ASCII characters')
    .max(limits.idempotencyKeyCharacters, 'must be 1 to 255 visible ASCII characters')
    .optional()
    .describe(
      'A retry with the same key and body gets the first answer, with Idempotency-Replayed: true, and changes nothing.',
    ),
})
