import { describe, expect, it } from 'vitest'
import type { OutboxEnvelope } from '../../schemas/types.ts'
import { TopologyTestDriver } from '../../src/streams/testing/topology-test-driver.ts'
import { movementOf } from '../../topology/movements.ts'
import { orders } from '../../topology/orders.ts'
import * as topics from '../../topology/topics.ts'
import { adjusted, order, outboxRow, sequence } from './support/outbox.ts'

const lines = (...skus: [sku: string, quantity: number][]) =>
  skus.map(([sku, quantity]) => ({ sku, quantity, amountMinor: 100 * quantity, mode: 'lwt', generation: 0 }))

const values = <T>(records: readonly { readonly value: T }[]): T[] => records.map(record => record.value)

const newDriver = () => TopologyTestDriver.create(orders, { partitions: 4 })

describe('the order flow', () => {
  it('confirms an order whose lines the ledger can take, and sells them', async () => {
    const ids = sequence()
    const driver = await newDriver()
    await driver.pipe(topics.outboxEvent, 'tea', outboxRow(adjusted(ids.next(), 'tea', 10)))
    await driver.pipe(topics.outboxEvent, 'mug', outboxRow(adjusted(ids.next(), 'mug', 5)))
    const placed = order(ids.next(), lines(['tea', 3], ['mug', 5]))
    await driver.pipe(topics.outboxEvent, placed.orderId, outboxRow(placed))

    expect(values(driver.read(topics.orderCreated))).toEqual([placed])
    expect(values(driver.read(topics.orderValidated))).toEqual([placed])
    expect(driver.read(topics.orderConfirmed)).toMatchObject([
      { key: placed.orderId, value: { orderId: placed.orderId } },
    ])
    expect(driver.read(topics.orderRejected)).toEqual([])
    expect(driver.get(topics.stockLevels, 'tea')).toMatchObject({
      version: 3,
      onHand: 7,
      reserved: 0,
      sold: 3,
    })
    expect(driver.get(topics.stockLevels, 'mug')).toMatchObject({
      version: 3,
      onHand: 0,
      reserved: 0,
      sold: 5,
    })
    expect(
      values(driver.read(topics.stockUpdate))
        .map(update => update.type)
        .toSorted(),
    ).toEqual(['adjustment', 'adjustment', 'reservation', 'reservation', 'sale', 'sale'])
  })

  it('rejects an order that the ledger can not fill, and gives its other lines back', async () => {
    const ids = sequence()
    const driver = await newDriver()
    await driver.pipe(topics.outboxEvent, 'tea', outboxRow(adjusted(ids.next(), 'tea', 10)))
    await driver.pipe(topics.outboxEvent, 'mug', outboxRow(adjusted(ids.next(), 'mug', 1)))
    const placed = order(ids.next(), lines(['tea', 3], ['mug', 2]))
    await driver.pipe(topics.outboxEvent, placed.orderId, outboxRow(placed))

    expect(values(driver.read(topics.orderRejected))).toEqual([
      {
        orderId: placed.orderId,
        reasons: [{ code: 'oversold', message: 'the ledger has not enough of mug', sku: 'mug' }],
        rejectedAt: expect.any(Number) as number,
      },
    ])
    expect(driver.read(topics.orderConfirmed)).toEqual([])
    expect(driver.get(topics.stockLevels, 'tea')).toMatchObject({
      version: 3,
      onHand: 10,
      reserved: 0,
      sold: 0,
    })
    expect(driver.get(topics.stockLevels, 'mug')).toMatchObject({
      version: 2,
      onHand: 1,
      reserved: 0,
      sold: 0,
    })
  })

  it('takes each row once, whoever repeats it, and nothing from deletions and tombstones', async () => {
    const ids = sequence()
    const driver = await newDriver()
    const stocked = outboxRow(adjusted(ids.next(), 'tea', 10))
    const placed = order(ids.next(), lines(['tea', 3]))
    const inserted = outboxRow(placed)
    // As Debezium writes them: again by a snapshot, and what becomes of pruned rows.
    const found: OutboxEnvelope = {
      ...inserted,
      op: 'r',
      source: { ...inserted.source, version: '3.6.0.Final' },
    }
    const updated: OutboxEnvelope = { ...inserted, op: 'u', before: inserted.after }
    const deleted: OutboxEnvelope = { ...inserted, op: 'd', before: inserted.after, after: null }
    await driver.pipe(topics.outboxEvent, 'tea', stocked)
    for (const change of [deleted, inserted, found, updated, deleted, inserted, found]) {
      await driver.pipe(topics.outboxEvent, placed.orderId, change)
      await driver.pipeRaw(topics.outboxEvent, [{ key: Buffer.from(placed.orderId), value: null }])
    }

    expect(values(driver.read(topics.orderCreated))).toEqual([placed])
    expect(driver.read(topics.orderConfirmed)).toHaveLength(1)
    expect(driver.get(topics.stockLevels, 'tea')).toMatchObject({ version: 3, onHand: 7, sold: 3 })
  })

  it('rejects a faulty order with every reason, and releases what Cassandra holds for it', async () => {
    const ids = sequence()
    const driver = await newDriver()
    const faulty = { ...order(ids.next(), lines(['tea', 2_000_000])), totalMinor: 1 }
    await driver.pipe(topics.outboxEvent, faulty.orderId, outboxRow(faulty))

    const [rejected] = values(driver.read(topics.orderRejected))
    expect(rejected?.reasons.map(reason => reason.code)).toEqual(['bad-quantity', 'total-mismatch'])
    expect(driver.read(topics.orderValidated)).toEqual([])
    expect(values(driver.read(topics.stockUpdate))).toMatchObject([
      { type: 'release', sku: 'tea', quantity: 2_000_000, onHand: 0, reserved: 0, version: 1 },
    ])
  })

  it('takes no notice of copies of anything', async () => {
    const ids = sequence()
    const driver = await newDriver()
    const restock = outboxRow(adjusted(ids.next(), 'tea', 10))
    const placed = order(ids.next(), lines(['tea', 3]))
    for (let copy = 0; copy < 2; copy++) {
      await driver.pipe(topics.outboxEvent, 'tea', restock)
      await driver.pipe(topics.outboxEvent, placed.orderId, outboxRow(placed))
    }
    const [created] = driver.read(topics.orderCreated)
    const [validated] = driver.read(topics.orderValidated)
    const movements = driver.read(topics.stockMovement)
    const updates = driver.read(topics.stockUpdate)
    expect(driver.read(topics.orderConfirmed)).toHaveLength(1)

    if (created !== undefined) await driver.pipe(topics.orderCreated, created.key, created.value)
    if (validated !== undefined) await driver.pipe(topics.orderValidated, validated.key, validated.value)
    for (const { key, value } of movements.toReversed()) await driver.pipe(topics.stockMovement, key, value)
    for (const { key, value } of updates.toReversed()) await driver.pipe(topics.stockUpdate, key, value)

    expect(driver.get(topics.stockLevels, 'tea')).toMatchObject({
      version: 3,
      onHand: 7,
      reserved: 0,
      sold: 3,
    })
    expect(driver.read(topics.orderConfirmed)).toEqual([])
    expect(driver.read(topics.orderRejected)).toEqual([])
  })

  it('gives equal records whatever the turns are', async () => {
    const run = async (turnSize: number) => {
      const ids = sequence()
      const driver = await TopologyTestDriver.create(orders, { turnSize })
      const rows = [
        outboxRow(adjusted(ids.next(), 'tea', 20)),
        ...Array.from({ length: 12 }, () => outboxRow(order(ids.next(), lines(['tea', 2])))),
      ]
      await driver.pipeAll(
        topics.outboxEvent,
        rows.map(row => ({ key: row.after?.aggregateid ?? '', value: row })),
      )
      return {
        level: driver.get(topics.stockLevels, 'tea'),
        movements: new Set(values(driver.read(topics.stockMovement)).map(movement => movement.eventId)),
        confirmed: driver.read(topics.orderConfirmed).length,
        headers: driver
          .read(topics.orderRejected)
          .flatMap(record => record.headers.map(([, value]) => value.toString())),
      }
    }
    const one = await run(1)
    expect(one).toMatchObject({ level: { onHand: 0, reserved: 0, sold: 20 }, confirmed: 10 })
    expect(await run(5)).toEqual(one)
    expect(await run(1_000)).toEqual(one)
  })

  it('keeps an order in flight, and what it has reserved, when another record is dated far ahead', async () => {
    const ids = sequence()
    const driver = await TopologyTestDriver.create(orders)
    const farAhead = { timestamp: 400 * 86_400_000 }
    await driver.pipe(topics.outboxEvent, 'tea', outboxRow(adjusted(ids.next(), 'tea', 10)))
    const slow = order(ids.next(), lines(['tea', 3]))
    const [line] = slow.lines
    if (line === undefined) throw new Error('the order has a line')
    await driver.pipe(topics.stockMovement, 'tea', movementOf('line', slow.orderId, line, 1_000))

    await driver.pipe(topics.outboxEvent, 'mug', outboxRow(adjusted(ids.next(), 'mug', 5)), farAhead)
    const quick = order(ids.next(), lines(['mug', 1]))
    await driver.pipe(topics.outboxEvent, quick.orderId, outboxRow(quick), farAhead)
    expect(values(driver.read(topics.orderConfirmed))).toMatchObject([{ orderId: quick.orderId }])

    await driver.pipe(topics.orderValidated, slow.orderId, slow)
    expect(values(driver.read(topics.orderConfirmed))).toMatchObject([{ orderId: slow.orderId }])
    expect(driver.get(topics.stockLevels, 'tea')).toMatchObject({ onHand: 7, reserved: 0, sold: 3 })
  })
})
