import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { StockMovement } from '../../schemas/types.ts'
import { Ledger } from '../../src/check/invariants/ledger.ts'
import { TopologyTestDriver } from '../../src/streams/testing/topology-test-driver.ts'
import { orders } from '../../topology/orders.ts'
import * as topics from '../../topology/topics.ts'
import { derivedId } from '../../src/core/ids.ts'

const day = 86_400_000

interface Step {
  readonly movement: StockMovement
  readonly timestamp: number
}

const step = (
  type: StockMovement['type'],
  sku: string,
  id: number,
  quantity: number,
  timestamp: number,
): Step => {
  const orderId = type === 'adjustment' ? null : derivedId('test', 'order', id)
  const eventId = derivedId('test', type, id)
  const rest = { mode: 'lwt', generation: null, reason: null, at: timestamp }
  return { movement: { eventId, type, sku, orderId, quantity, ...rest }, timestamp }
}

/** What the topology's ledger does with the steps, in one partition, and what the audit's does. */
const both = async (steps: readonly Step[]) => {
  const driver = await TopologyTestDriver.create(orders, { turnSize: 5 })
  await driver.pipeAll(
    topics.stockMovement,
    steps.map(({ movement, timestamp }) => ({ key: movement.sku, value: movement, timestamp })),
  )
  const live = driver.read(topics.stockUpdate).map(({ value }) => value)
  const ledger = new Ledger()
  const replayed = steps.flatMap(({ movement, timestamp }, offset) => {
    const place = { partition: 0, offset, timestampMs: timestamp, key: movement.sku }
    const update = ledger.apply({ ...place, ...movement })
    return update === undefined ? [] : [{ ...update, sku: movement.sku }]
  })
  const isKept = ({ movement: { sku, orderId, eventId } }: Step): unknown =>
    driver.get(topics.stockEntries, `${sku}|${orderId ?? eventId}`)
  const kept = steps.map(isKept)
  const remembered = steps.map(({ movement: { sku, orderId, eventId } }) =>
    ledger.entriesOf(sku).get(orderId ?? eventId),
  )
  return { live, replayed, kept, remembered }
}

const anyStep = fc
  .record({
    type: fc.constantFrom('line', 'line', 'sale', 'release', 'adjustment'),
    sku: fc.constantFrom('lamp', 'mug'),
    id: fc.integer({ min: 1, max: 6 }),
    quantity: fc.integer({ min: 1, max: 5 }),
    sign: fc.constantFrom(1, 1, -1),
    day: fc.integer({ min: 0, max: 100 }),
  })
  .map(({ type, sku, id, quantity, sign, day: at }) =>
    step(type, sku, id, type === 'adjustment' ? sign * quantity : quantity, at * day),
  )

test(
  'the audit’s ledger and the topology’s do the same with any movements, repeated, late and reordered ones too',
  { timeout: 60_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { minLength: 20, maxLength: 120 }), async steps => {
        const { live, replayed, kept, remembered } = await both(steps)
        expect(live).toMatchObject(replayed)
        expect(replayed).toHaveLength(live.length)
        expect(remembered.map(entry => entry?.state)).toEqual(
          kept.map(entry => (entry as { state: string } | undefined)?.state),
        )
      }),
      { numRuns: 30 },
    )
  },
)

test('an entry that has ended is forgotten after 30 days of event time, one in flight never', async () => {
  const { replayed, remembered, kept, live } = await both([
    step('adjustment', 'lamp', 1, 10, 0),
    step('line', 'lamp', 2, 3, day),
    step('adjustment', 'mug', 3, 1, 40 * day),
    step('sale', 'lamp', 2, 3, 41 * day),
    // A copy that comes after the memory of the first is taken for new, in both.
    step('adjustment', 'lamp', 1, 10, 41 * day),
  ])
  expect(replayed.map(({ type }) => type)).toEqual([
    'adjustment',
    'reservation',
    'adjustment',
    'sale',
    'adjustment',
  ])
  expect(live).toMatchObject(replayed)
  expect(remembered).toMatchObject(kept)
})
