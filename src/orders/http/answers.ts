import { z } from 'zod'

/** What the service answers, for the API's documentation. */

const time = (what: string) =>
  z
    .string()
    .describe(`${what}, RFC 3339 in UTC.`)
    .meta({ examples: ['2026-01-31T12:00:00.000Z'] })

const orderLine = z.object({
  sku: z.string().meta({ examples: ['85123A'] }),
  quantity: z.int(),
  amountMinor: z.int().describe('Price of the whole line, in minor units.'),
})

export const orderAnswer = z
  .object({
    id: z
      .string()
      .describe('UUIDv7.')
      .meta({ examples: ['01970f2c-5d1e-7c3a-9a51-3f0c9d2b7e10'] }),
    customerId: z.string(),
    status: z.enum(['created', 'confirmed', 'rejected']),
    lines: z.array(orderLine).describe('One per SKU.'),
    totalMinor: z.int().describe('In minor units.'),
    createdAt: time('When the order was accepted'),
  })
  .meta({ id: 'Order' })

export const adjustmentAnswer = z
  .object({
    adjustmentId: z.string(),
    sku: z.string(),
    quantity: z.int(),
    reason: z.string(),
    createdAt: time('When the adjustment was accepted'),
  })
  .describe('Accepted. Added units can be sold once they have been settled.')
  .meta({ id: 'Adjustment' })

export const stockAnswer = z
  .object({
    sku: z.string(),
    sellable: z
      .object({
        available: z.int().describe('Units that can be sold now.'),
        mode: z.enum(['lwt', 'counter', 'deferred', 'combined']),
        version: z.int().describe('Conditional writes the SKU has seen.'),
        asOf: time('When it was read'),
        source: z.literal('cassandra stock'),
      })
      .nullable()
      .describe('What can be sold now, by a linearizable read; null for a SKU that was never stocked.'),
    ledger: z
      .object({
        onHand: z.int().describe('Units, reserved ones included.'),
        reserved: z.int(),
        sold: z.int(),
        version: z.int().describe('Events applied.'),
        updatedAt: time('Time of the last event applied'),
        source: z.literal('cassandra stock_state'),
      })
      .nullable()
      .describe('What the ledger has recorded, by a quorum read; a moment behind what can be sold.'),
  })
  .meta({ id: 'Stock' })

export const healthAnswer = z
  .object({ status: z.enum(['ok', 'unavailable']), checks: z.record(z.string(), z.string()).optional() })
  .meta({ id: 'Health' })

const problemAnswer = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string().describe('Stable name of the problem.'),
    errors: z
      .array(z.object({ pointer: z.string(), message: z.string(), in: z.string().optional() }))
      .optional()
      .describe('Every fault of a wrong request.'),
    outOfStock: z
      .array(z.object({ sku: z.string(), requested: z.int(), available: z.int() }))
      .optional()
      .describe('The SKUs of which there was too little.'),
  })
  .describe('RFC 9457.')
  .meta({ id: 'Problem' })

const descriptions: Readonly<Record<number, string>> = {
  400: 'Wrong input (every fault is listed), or OutOfStock (the SKUs are named).',
  404: 'There is no such thing.',
  409: 'A request with this Idempotency-Key is being worked on.',
  413: 'The body is too large.',
  415: 'The body is not application/json.',
  422: 'The Idempotency-Key was used for another request.',
  503: 'A server is down or busy; Retry-After says when to try again.',
}

/** The documented problems of a route, by status. */
export const problems = (...statuses: readonly (keyof typeof descriptions)[]) =>
  Object.fromEntries(
    statuses.map(status => [
      status,
      {
        description: descriptions[status] ?? '',
        content: { 'application/problem+json': { schema: problemAnswer } },
      },
    ]),
  )
