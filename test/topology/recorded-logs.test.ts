import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { StockUpdate } from '../../schemas/types.ts'
import type { ProducedRecord } from '../../src/kafka/types.ts'
import { headerText } from '../../src/streams/dsl/message.ts'
import { TopologyTestDriver } from '../../src/streams/testing/topology-test-driver.ts'
import type { RecordedLog } from '../../src/streams/testing/recorded-log.ts'
import { orders } from '../../topology/orders.ts'
import * as topics from '../../topology/topics.ts'
import {
  causalRuns,
  interleave,
  partitionsOf,
  piecesOf,
  readerOf,
  recordedLogs,
  recordsOf,
  registryOf,
} from './support/recorded.ts'

const recorded = recordedLogs()
const { version: present } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
) as { version: string }

/** Records of one turn, records written at once, and what draws the sequence by lot. */
const ways = [
  { turnSize: 1, piece: 1, seed: 1 },
  { turnSize: 7, piece: 40, seed: 2 },
  { turnSize: 500, piece: 3, seed: 3 },
  { turnSize: 500, piece: 100_000, seed: 4 },
]

const newDriver = (log: RecordedLog, turnSize: number): Promise<TopologyTestDriver> =>
  TopologyTestDriver.create(orders, { partitions: partitionsOf(log), turnSize, registry: registryOf(log) })

const inOrder = (one: unknown, other: unknown): number =>
  JSON.stringify(one).localeCompare(JSON.stringify(other))

/** Records by partition, as they are compared. */
const logOf = (
  records: readonly ProducedRecord[],
  show: (record: ProducedRecord) => unknown,
): unknown[][] => {
  const byPartition = Map.groupBy(records, ({ partition }) => partition)
  return [...byPartition]
    .toSorted(([one], [other]) => one - other)
    .map(([, ofPartition]) => ofPartition.map(show))
}

/** Each event once, in no sequence: copies were recorded too. */
const setOf = (records: readonly ProducedRecord[], show: (record: ProducedRecord) => unknown): unknown[] =>
  [...Map.groupBy(records, ({ headers }) => headerText(headers, 'id')).values()]
    .flatMap(([first]) => (first === undefined ? [] : [show(first)]))
    .toSorted(inOrder)

/** What is left of a SKU's updates when their sequence may be another: what happened, and where it ended. */
const booksOf = (updates: readonly StockUpdate[]): unknown =>
  [...Map.groupBy(updates, ({ sku }) => sku)]
    .map(([sku, ofSku]) => {
      const { version, onHand, reserved, sold } = ofSku.at(-1) as StockUpdate
      const events = ofSku.map(({ eventId, type, quantity }) => ({ eventId, type, quantity }))
      return { sku, version, onHand, reserved, sold, events: events.toSorted(inOrder) }
    })
    .toSorted(inOrder)

test('this version has recorded its logs', () => {
  expect(recorded.map(({ version }) => version)).toContain(present)
})

describe.each(recorded)('the logs of $version', { timeout: 60_000 }, ({ version, log }) => {
  test('hold what could go otherwise: rejections, refusals, adjustments either way, copies, several lines', async () => {
    const { decode } = await readerOf(log, topics.stockMovement)
    const movements = recordsOf(log, topics.stockMovement).map(decode)
    const updates = recordsOf(log, topics.stockUpdate).map((await readerOf(log, topics.stockUpdate)).decode)
    const created = recordsOf(log, topics.orderCreated).map((await readerOf(log, topics.orderCreated)).decode)
    expect(new Set(updates.map(({ type }) => type)).size).toBe(5)
    expect(movements.length).toBeGreaterThan(new Set(movements.map(({ eventId }) => eventId)).size)
    expect(movements.some(({ type, quantity }) => type === 'adjustment' && quantity < 0)).toBe(true)
    expect(created.some(({ lines }) => lines.length > 2)).toBe(true)
    expect(recordsOf(log, topics.outboxEvent).length).toBeGreaterThan(
      created.length + updates.filter(({ type }) => type === 'adjustment').length,
    )
    expect(recordsOf(log, topics.orderRejected).length).toBeGreaterThan(0)
  })

  test.each(ways)(
    'replay to the same ledger, byte for byte: turns of $turnSize, up to $piece at once',
    async ({ turnSize, piece, seed }) => {
      const { asBytes, show } = await readerOf(log, topics.stockUpdate)
      // A later version may have another schema, this one has not.
      expect(asBytes || version !== present).toBe(true)
      const driver = await newDriver(log, turnSize)
      const movements = interleave(recordsOf(log, topics.stockMovement), seed)
      for (const records of piecesOf(movements, piece, seed))
        await driver.pipeRaw(topics.stockMovement, records)
      expect(driver.deadLetters()).toEqual([])
      expect(logOf(driver.log(topics.stockUpdate), show)).toEqual(
        logOf(recordsOf(log, topics.stockUpdate), show),
      )
    },
  )

  test.each(ways)(
    'replay from the outbox to the same events, sums and ends: turns of $turnSize, up to $piece at once',
    async ({ turnSize, piece, seed }) => {
      const outbox = await readerOf(log, topics.outboxEvent)
      const driver = await newDriver(log, turnSize)
      for (const run of causalRuns(recordsOf(log, topics.outboxEvent), outbox.decode))
        for (const records of piecesOf(interleave(run, seed), piece, seed))
          await driver.pipeRaw(topics.outboxEvent, records)
      expect(driver.deadLetters()).toEqual([])
      for (const topic of [topics.orderCreated, topics.orderValidated, topics.stockMovement]) {
        const { show } = await readerOf<unknown>(log, topic)
        expect(setOf(driver.log(topic), show)).toEqual(setOf(recordsOf(log, topic), show))
      }
      for (const topic of [topics.orderConfirmed, topics.orderRejected]) {
        const { showEnd } = await readerOf<unknown>(log, topic)
        expect(setOf(driver.log(topic), showEnd)).toEqual(setOf(recordsOf(log, topic), showEnd))
      }
      const { decode } = await readerOf(log, topics.stockUpdate)
      const recordedUpdates = recordsOf(log, topics.stockUpdate).map(decode)
      expect(booksOf(driver.log(topics.stockUpdate).map(decode))).toEqual(booksOf(recordedUpdates))
      for (const { sku, version: last, onHand, reserved, sold } of new Map(
        recordedUpdates.map(update => [update.sku, update]),
      ).values()) {
        const level = { version: last, onHand, reserved, sold }
        expect(driver.get(topics.stockLevels, sku)).toMatchObject(level)
      }
    },
  )
})
