import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { memorySchemaRegistry } from '../../src/codec/memory-registry.ts'
import { compareEntries, foldChangelog } from '../../src/replay/compare-stores.ts'
import { KeyedComparison } from '../../src/replay/compare-topics.ts'
import { PartFindings } from '../../src/replay/difference.ts'
import { shadowTopology, storeCounterparts, topicCounterparts } from '../../src/replay/shadow-topology.ts'
import { TopologyTestDriver } from '../../src/streams/testing/topology-test-driver.ts'
import { movementOf } from '../../topology/movements.ts'
import { orders } from '../../topology/orders.ts'
import { stockMovement } from '../../topology/topics.ts'

const partitions = 2
const whole = { isLiveAhead: false, isLiveBehind: false, isPartial: false }
const shadow = shadowTopology({ topology: orders, reading: ['stock-movement'] }, 'x')
const monthMs = 30 * 86_400_000

const step = fc.record({
  sku: fc.constantFrom('tea', 'mug', 'cup'),
  order: fc.integer({ min: 0, max: 5 }),
  type: fc.constantFrom('stock', 'line', 'sale', 'release'),
  quantity: fc.integer({ min: 1, max: 4 }),
  // Far enough that the stores forget ended entries on the way.
  afterMs: fc.constantFrom(0, 1, monthMs),
})

const recordsOf = (steps: readonly (typeof step extends fc.Arbitrary<infer S> ? S : never)[]) => {
  let at = 0
  return steps.map(({ sku, order, type, quantity, afterMs }, index) => {
    at += afterMs
    const line = { sku, quantity, amountMinor: 1, mode: 'lwt', generation: 0 }
    const movement =
      type === 'stock'
        ? { ...movementOf('line', `stock-${index}`, line, at), type: 'adjustment' as const, orderId: null }
        : movementOf(type, `order-${order}`, line, at)
    return { key: sku, value: movement, timestamp: at }
  })
}

const logOf = (driver: TopologyTestDriver, topic: string, partition: number) =>
  driver.log({ name: topic }).filter(record => record.partition === partition)

test(
  'a replayed ledger is equal to live byte for byte, whatever the turns of either were',
  { timeout: 120_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 20 }),
        async (steps, liveTurn, replayTurn) => {
          const registry = memorySchemaRegistry()
          const live = await TopologyTestDriver.create(orders, { partitions, registry, turnSize: liveTurn })
          const replay = await TopologyTestDriver.create(shadow, {
            partitions,
            registry,
            turnSize: replayTurn,
          })
          await live.pipeAll(stockMovement, recordsOf(steps))
          // What live read in the end: its own flow writes movements, too.
          const log = live.log(stockMovement)
          await replay.pipeRaw(stockMovement, log)
          const findings = new PartFindings('ledger')
          for (const topic of topicCounterparts(shadow)) {
            for (let partition = 0; partition < partitions; partition++) {
              const comparison = new KeyedComparison(findings, whole)
              comparison.feed('live', logOf(live, topic.live, partition))
              comparison.feed('replayed', logOf(replay, topic.shadow, partition))
              comparison.end()
            }
          }
          for (const store of storeCounterparts(shadow)) {
            for (let partition = 0; partition < partitions; partition++) {
              const fold = (driver: TopologyTestDriver, topic: string) =>
                foldChangelog(new Map(), logOf(driver, topic, partition))
              compareEntries(findings, fold(live, store.live), fold(replay, store.shadow), whole)
            }
          }
          expect(findings.result().differences).toEqual([])
        },
      ),
      { numRuns: 25 },
    )
  },
)
