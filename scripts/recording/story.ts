import { integerBetween, zipf } from '../../src/cli/demo/random.ts'
import type { Clock } from '../../src/core/clock.ts'
import { derivedId } from '../../src/core/ids.ts'
import type { Random } from '../../src/core/random.ts'
import { isRecord, problemCode } from '../../src/orders/client.ts'
import type { ShopClient } from '../../src/orders/client.ts'
import type { EntryRepository } from '../../src/orders/entry-repository.ts'
import { forEachInFlight } from '../../src/orders/import/in-flight.ts'
import { stockUp } from '../../src/orders/import/initial-stock.ts'
import { postAdjustment } from '../../src/orders/import/send.ts'
import type { Order, OrderLine } from '../../src/orders/order.ts'

/** What happens while the logs are recorded, and how often. */
export interface Story {
  readonly shop: ShopClient
  readonly orders: EntryRepository<Order>
  readonly clock: Clock
  readonly random: Random
  readonly say: (line: string) => void
}

const inFlight = 8
const ordersPerPart = 110

/** The last ones are for orders that the ledger alone decides on. */
const skus = Array.from({ length: 24 }, (_, index) => `SKU ${String(index + 1).padStart(2, '0')}`)
const oddSkus = ['Grüner Tee|250 g', 'LAMP "RED"', '85123A']
const undecidedSkus = ['PLENTY', 'SCARCE']

const unitsOf = (sku: string, index: number): number => (sku === 'SCARCE' ? 5 : index % 5 === 3 ? 12 : 10_000)

/** Orders of one to four lines, some of which name a SKU twice; some ask for more than there is. */
function* someOrders(random: Random): Generator {
  const offered = [...skus, ...oddSkus]
  const pick = zipf(offered.length)
  for (let index = 0; index < ordersPerPart; index += 1) {
    const lines = Array.from({ length: integerBetween(random, 1, 4) }, () => ({
      sku: offered[pick(random)],
      quantity: integerBetween(random, 1, 4),
      unitPriceMinor: integerBetween(random, 50, 20_000),
    }))
    yield { customerId: `customer ${integerBetween(random, 1, 60)}`, lines }
  }
}

const place = async ({ shop, random, say }: Story, part: string): Promise<void> => {
  const answers = new Map<string, number>()
  let index = 0
  await forEachInFlight(someOrders(random), inFlight, async body => {
    const idempotencyKey = `record:${part}:${index++}`
    const reply = await shop({ method: 'POST', path: '/orders', body, idempotencyKey })
    const answer = reply.status === 201 ? 'accepted' : problemCode(reply)
    answers.set(answer, (answers.get(answer) ?? 0) + 1)
  })
  say(`${part}: ${[...answers].map(([answer, count]) => `${count} ${answer}`).join(', ')}`)
}

const adjust = async ({ shop, say }: Story): Promise<void> => {
  const adjustments = [
    ['SKU 01', 3, 'return'],
    ['SKU 02', -7, 'correction'],
    ['SKU 04', 12, 'restock'],
    ['SKU 09', -10_000_000, 'correction'],
    ['LAMP "RED"', 1, 'return'],
    ['SKU 19', -5, 'damaged'],
  ] as const
  const answers: string[] = []
  for (const [sku, quantity, reason] of adjustments) {
    const idempotencyKey = `record:adjust:${sku.replaceAll(/\W/g, '')}`
    const reply = await postAdjustment(shop, { sku, quantity, reason, idempotencyKey })
    answers.push(reply.status < 300 ? 'accepted' : problemCode(reply))
  }
  say(`adjustments: ${answers.join(', ')}`)
}

type Lines = readonly (Pick<OrderLine, 'sku' | 'quantity'> & Partial<OrderLine>)[]

/** What the order service would refuse, written by somebody else; and orders on which only the ledger decides. */
const foreignOrders: readonly { readonly lines: Lines; readonly totalMinor?: number }[] = [
  { lines: [] },
  { lines: [{ sku: 'SKU 01', quantity: 2 }], totalMinor: 1 },
  {
    lines: [
      { sku: 'SKU 01', quantity: 2 },
      { sku: 'SKU 01', quantity: 1 },
    ],
  },
  {
    lines: [
      { sku: 'SKU 02', quantity: 0 },
      { sku: 'SKU 03', quantity: 1 },
    ],
  },
  { lines: [{ sku: 'SKU 02', quantity: 1, amountMinor: -5 }] },
  {
    lines: [
      { sku: 'PLENTY', quantity: 2 },
      { sku: 'SCARCE', quantity: 3 },
    ],
  },
  {
    lines: [
      { sku: 'PLENTY', quantity: 4 },
      { sku: 'SCARCE', quantity: 3 },
    ],
  },
  { lines: [{ sku: 'SCARCE', quantity: 2 }] },
  {
    lines: [
      { sku: 'SCARCE', quantity: 1 },
      { sku: 'UNKNOWN', quantity: 1 },
    ],
  },
]

/** One after another, each to its end: which of them gets the last units is decided by nothing but their order. */
const writeForeignOrders = async ({ orders, shop, clock, say }: Story): Promise<void> => {
  const ends: string[] = []
  for (const [index, { lines, totalMinor }] of foreignOrders.entries()) {
    const whole = lines.map(line => ({
      amountMinor: 100,
      mode: 'deferred' as const,
      generation: null,
      ...line,
    }))
    const id = derivedId('record', 'foreign-order', index)
    const sum = whole.reduce((total, { amountMinor }) => total + amountMinor, 0)
    const createdAt = clock.now()
    await orders.commit(
      {
        id,
        customerId: 'elsewhere',
        status: 'created',
        lines: whole,
        totalMinor: totalMinor ?? sum,
        createdAt,
      },
      undefined,
    )
    let status: unknown = 'created'
    while (status === 'created') {
      await clock.sleep(50)
      const { body } = await shop({ method: 'GET', path: `/orders/${id}` })
      status = isRecord(body) ? body['status'] : undefined
    }
    ends.push(String(status))
  }
  say(`orders written elsewhere: ${ends.join(', ')}`)
}

/** Stock, orders, returns and corrections, more orders, and orders that others wrote. */
export const tellStory = async (story: Story): Promise<void> => {
  const { shop, clock } = story
  const stock = [...skus, ...oddSkus, ...undecidedSkus].map((sku, index) => ({
    sku,
    units: unitsOf(sku, index),
  }))
  await stockUp({ stock, inFlight, keyPrefix: 'record', shop, clock, onProgress: () => {} })
  await place(story, 'orders')
  await adjust(story)
  await place(story, 'more-orders')
  await writeForeignOrders(story)
}
