import { describe, expect, it } from 'vitest'
import { TopologyTestDriver } from '../../src/streams/testing/topology-test-driver.ts'
import { materializer } from '../../topology/materializer.ts'
import { orders } from '../../topology/orders.ts'
import { settlement } from '../../topology/settlement.ts'
import * as topics from '../../topology/topics.ts'
import { adjusted, order, outboxRow, sequence } from './support/outbox.ts'

const rubbish = Buffer.from('rubbish')
const line = { sku: 'tea', quantity: 3, amountMinor: 300, mode: 'lwt', generation: 0 }

describe('the order flow parks', () => {
  it('an outbox record that is rubbish, and goes on behind it', async () => {
    const ids = sequence()
    const driver = await TopologyTestDriver.create(orders, { turnSize: 10 })
    await driver.pipeRaw(topics.outboxEvent, [{ key: Buffer.from('tea'), value: rubbish }])
    await driver.pipe(topics.outboxEvent, 'tea', outboxRow(adjusted(ids.next(), 'tea', 10)))
    expect(driver.get(topics.stockLevels, 'tea')).toMatchObject({ onHand: 10 })
    expect(driver.deadLetters()).toMatchObject([
      { step: 'shop.public.outbox_event-source', source: { offset: 0 } },
    ])
  })

  it.each([
    ['no JSON', (payload: string) => payload.slice(1), 'read-order', 'SLUICE_OUTBOX_PAYLOAD_INVALID'],
    [
      'another order',
      (payload: string) => payload.replaceAll(/"orderId":"./g, '"orderId":"x'),
      'read-order',
      'SLUICE_OUTBOX_PAYLOAD_INVALID',
    ],
    [
      'no lines field',
      (payload: string) => payload.replace('"lines"', '"rows"'),
      'order-created',
      'SLUICE_CODEC_INVALID_VALUE',
    ],
  ])('an order whose payload is %s, and takes it when it comes again', async (_, spoil, step, code) => {
    const ids = sequence()
    const driver = await TopologyTestDriver.create(orders, { turnSize: 10 })
    const placed = order(ids.next(), [line])
    const row = outboxRow(placed)
    const after = row.after as NonNullable<typeof row.after>
    await driver.pipe(topics.outboxEvent, placed.orderId, {
      ...row,
      after: { ...after, payload: spoil(after.payload ?? '') },
    })
    expect(driver.deadLetters()).toMatchObject([{ step, code }])
    expect(driver.read(topics.orderCreated)).toEqual([])
    // The step that drops copies has not seen it.
    await driver.pipe(topics.outboxEvent, placed.orderId, row)
    expect(driver.read(topics.orderCreated)).toHaveLength(1)
  })

  it('a movement under the key of another SKU, whose ledger it would change', async () => {
    const ids = sequence()
    const driver = await TopologyTestDriver.create(orders)
    await driver.pipe(topics.outboxEvent, 'tea', outboxRow(adjusted(ids.next(), 'tea', 10)))
    const [movement] = driver.read(topics.stockMovement)
    if (movement === undefined) throw new Error('no movement')
    await driver.pipe(topics.stockMovement, 'mug', { ...movement.value, eventId: ids.next() })
    expect(driver.deadLetters()).toMatchObject([{ step: 'stock-ledger', code: 'SLUICE_LEDGER_MISPLACED' }])
    expect(driver.get(topics.stockLevels, 'mug')).toBeUndefined()
  })

  it('nothing of what Debezium writes when the outbox is pruned', async () => {
    const ids = sequence()
    const driver = await TopologyTestDriver.create(orders)
    const row = outboxRow(order(ids.next(), [line]))
    const key = row.after?.aggregateid ?? ''
    await driver.pipe(topics.outboxEvent, key, { ...row, op: 'd', before: row.after, after: null })
    await driver.pipe(topics.outboxEvent, key, { ...row, op: 'u' })
    await driver.pipeRaw(topics.outboxEvent, [{ key: Buffer.from(key), value: null }])
    expect(driver.passedOver()).toEqual([])
    expect(driver.read(topics.orderCreated)).toEqual([])
  })
})

describe('what a bad stock-update does', () => {
  it('is to be parked by the materializer, which writes the others', async () => {
    const driver = await TopologyTestDriver.create(materializer)
    await driver.pipeRaw(topics.stockUpdate, [{ key: Buffer.from('tea'), value: null }])
    expect(driver.deadLetters()).toMatchObject([{ code: 'SLUICE_STREAMS_VALUE_MISSING' }])
  })

  it('is to stop settlement, for those behind it follow on it', async () => {
    const driver = await TopologyTestDriver.create(settlement)
    await expect(
      driver.pipeRaw(topics.stockUpdate, [{ key: Buffer.from('tea'), value: rubbish }]),
    ).rejects.toMatchObject({
      code: 'SLUICE_STREAMS_RECORD_FAILED',
      details: { topic: 'stock-update', step: 'stock-update-source' },
    })
  })

  it('a bad end of an order, too, is parked by settlement', async () => {
    const driver = await TopologyTestDriver.create(settlement)
    await driver.pipeRaw(topics.orderConfirmed, [{ key: Buffer.from('order'), value: rubbish }])
    expect(driver.deadLetters()).toMatchObject([{ step: 'order-confirmed-source' }])
  })
})
