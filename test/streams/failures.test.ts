import { randomBytes } from 'node:crypto'
import { filter, map, mergeMap } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { memorySchemaRegistry } from '../../src/codec/memory-registry.ts'
import { utf8, type Serde } from '../../src/codec/serde.ts'
import { SluiceError } from '../../src/core/errors.ts'
import {
  avroFormat,
  from,
  mapValue,
  named,
  process,
  repartition,
  store,
  to,
  topic,
  topology,
  withValue,
  type FailureOptions,
} from '../../src/streams/dsl/index.ts'
import { TopologyTestDriver } from '../../src/streams/testing/topology-test-driver.ts'

interface Sale {
  readonly sku: string
  readonly quantity: number
}
const saleSchema = {
  type: 'record',
  name: 'Sale',
  fields: [
    { name: 'sku', type: 'string' },
    { name: 'quantity', type: 'long' },
  ],
}
const sales = topic('sales', { key: utf8, value: avroFormat<Sale>(saleSchema) })
const checked = topic('checked', { key: utf8, value: avroFormat<Sale>(saleSchema) })
const sums = topic('sums', { key: utf8, value: utf8 })
const total = store('total', { key: utf8, value: avroFormat<Sale>(saleSchema) })

/** Fails where its quantity says so, in a different way for each number. */
const flowWith = (failures?: FailureOptions) =>
  topology(
    'shop',
    {
      checked: from(sales).pipe(
        named(
          'check-sale',
          map(m => {
            if (m.value.quantity === -1) throw new Error('less than nothing')
            return m
          }),
        ),
        to(checked),
      ),
      sums: from(sales).pipe(
        filter(m => m.value.quantity !== -1),
        process('sum', { total }, (m, { total: kept }) => {
          const quantity = (kept.get(m.key)?.quantity ?? 0) + m.value.quantity
          kept.put(m.key, { sku: m.value.sku, quantity: m.value.quantity === -2 ? 0.5 : quantity })
          return [quantity]
        }),
        mergeMap(async m => {
          if (m.value === 0) throw new Error('nothing at all')
          return Promise.resolve(m)
        }),
        mapValue(quantity => String(quantity)),
        to(sums),
      ),
    },
    failures === undefined ? {} : { failures },
  )

const parking = flowWith({ default: 'dead-letter' })

const sale = (quantity: number, sku = 'tea') => ({ key: sku, value: { sku, quantity } })
const bytesOf = (hex: string): Buffer => Buffer.from(hex, 'hex')
const key = Buffer.from('tea')

/** An Avro sale as the driver writes it: the schema's id is 1. */
const good = bytesOf('00000000010674656104')

describe('a record that cannot be decoded', () => {
  it.each([
    ['a truncated value', good.subarray(0, 7), 'SLUICE_CODEC_MALFORMED'],
    ['trailing bytes', Buffer.concat([good, Buffer.from('x')]), 'SLUICE_CODEC_MALFORMED'],
    [
      'a wrong magic byte',
      Buffer.concat([Buffer.from([7]), good.subarray(1)]),
      'SLUICE_CODEC_NOT_WIRE_FORMAT',
    ],
    ['an empty value', Buffer.alloc(0), 'SLUICE_CODEC_NOT_WIRE_FORMAT'],
    [
      'an unknown schema id',
      Buffer.concat([bytesOf('00000f4240'), good.subarray(5)]),
      'SLUICE_SCHEMA_UNKNOWN',
    ],
    ['no value', null, 'SLUICE_STREAMS_VALUE_MISSING'],
    ['20 MB', Buffer.concat([good, Buffer.alloc(20_000_000)]), 'SLUICE_CODEC_MALFORMED'],
  ])('is parked: %s', async (_, value, code) => {
    const driver = await TopologyTestDriver.create(parking, { turnSize: 10, startAtMs: 1_000 })
    const headers = [['id', Buffer.from('x-1')]] as const
    await driver.pipeRaw(sales, [
      { key, value: good },
      { key, value, headers, timestamp: 77 },
      { key, value: good },
    ])
    expect(driver.read(checked)).toHaveLength(2)
    expect(driver.read(sums).map(record => record.value)).toEqual(['2', '4'])
    const [letter, ...others] = driver.deadLetters()
    expect(others).toEqual([])
    expect(letter).toMatchObject({
      source: { topic: 'sales', partition: 0, offset: 1 },
      code,
      task: '0_0',
      step: 'sales-source',
      parkedAt: '1970-01-01T00:00:01.000Z',
      timestamp: 77,
      headers,
    })
    expect(letter?.key?.equals(key)).toBe(true)
    // Compared at once: to show how 20 MB differ would take minutes.
    expect(
      letter?.value === null ? value === null : letter?.value?.equals(value ?? Buffer.from('none')),
    ).toBe(true)
  })

  it('is parked for a key that is no text, and not taken for another key', async () => {
    const driver = await TopologyTestDriver.create(parking)
    await driver.pipeRaw(sales, [{ key: bytesOf('fffe'), value: good }])
    expect(driver.deadLetters()).toMatchObject([{ code: 'SLUICE_CODEC_NOT_UTF8', step: 'sales-source' }])
    expect(driver.deadLetters()[0]?.key).toEqual(bytesOf('fffe'))
  })

  it('leaves a value out that the dead letter topic does not take, and says what it was', async () => {
    const driver = await TopologyTestDriver.create(parking)
    const random = randomBytes(2_000_000)
    await driver.pipeRaw(sales, [{ key, value: random }])
    expect(driver.deadLetters()).toMatchObject([
      {
        value: null,
        leftOut: ['value'],
        valueBytes: 2_000_000,
        valueSha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
        source: { topic: 'sales', partition: 0, offset: 0 },
      },
    ])
  })

  it('has the headers of KIP-1034 behind its own, even where its own have the same names', async () => {
    const driver = await TopologyTestDriver.create(parking)
    const own = [['__streams.errors.topic', Buffer.from('elsewhere')]] as const
    await driver.pipeRaw(sales, [{ key, value: Buffer.from('rubbish'), headers: own }])
    const [letter] = driver.deadLetters()
    expect(letter?.headers).toEqual(own)
    expect(letter?.source.topic).toBe('sales')
    expect(letter?.message).toContain('begins with byte 114')
    expect(letter?.exception).toMatch(/^SluiceError: /)
    expect(letter?.stackTrace).toContain('wire-format')
  })
})

describe('a record on which a step throws', () => {
  it.each([
    [-1, 'check-sale', 'less than nothing', 'SLUICE_STREAMS_STEP_THREW'],
    [-2, 'sum', 'put into the store total cannot be kept', 'SLUICE_STREAMS_STATE_INVALID'],
    [-5, 'sum', 'nothing at all', 'SLUICE_STREAMS_STEP_THREW'],
  ])('leaves nothing behind in any branch (%s)', async (quantity, step, message, code) => {
    for (const turnSize of [1, 3, 10]) {
      const driver = await TopologyTestDriver.create(parking, { turnSize })
      await driver.pipeAll(sales, [sale(2), sale(3), sale(quantity), sale(4)])
      expect(driver.read(checked).map(record => record.value.quantity)).toEqual([2, 3, 4])
      expect(driver.read(sums).map(record => record.value)).toEqual(['2', '5', '9'])
      expect(driver.get(total, 'tea')).toEqual({ sku: 'tea', quantity: 9 })
      expect(driver.deadLetters()).toMatchObject([
        { source: { offset: 2 }, step, code, message: expect.stringContaining(message) as string },
      ])
    }
  })

  it('stops the task by default, and names the step', async () => {
    const driver = await TopologyTestDriver.create(flowWith(), { turnSize: 10 })
    await expect(driver.pipeAll(sales, [sale(2), sale(-1)])).rejects.toMatchObject({
      code: 'SLUICE_STREAMS_RECORD_FAILED',
      details: { topic: 'sales', partition: 0, offset: 1, task: '0_0', step: 'check-sale' },
    })
    expect(driver.read(checked)).toEqual([])
  })

  it('is skipped where its step says so, and counted', async () => {
    const driver = await TopologyTestDriver.create(flowWith({ steps: { 'check-sale': 'skip' } }))
    await driver.pipeAll(sales, [sale(-1), sale(2)])
    expect(driver.deadLetters()).toEqual([])
    expect(driver.passedOver()).toMatchObject([
      { policy: 'skip', topic: 'sales', partition: 0, offset: 0, step: 'check-sale' },
    ])
    await expect(driver.pipeAll(sales, [sale(-2)])).rejects.toMatchObject({ details: { step: 'sum' } })
  })

  it('fails where an output cannot be written, or is too large for its topic', async () => {
    const out = topic('out', { key: utf8, value: utf8 })
    const wide = topology(
      'wide',
      {
        out: from(sums).pipe(
          mapValue(text => (text === 'long' ? 'x'.repeat(9_000) : text)),
          to(out),
        ),
      },
      { failures: { default: 'fail', steps: { out: 'dead-letter' } } },
    )
    const driver = await TopologyTestDriver.create(wide, { turnSize: 5, maxMessageBytes: 400 })
    const noText: Serde<string> = utf8
    await driver.pipeAll(sums, [
      { key: 'a', value: 'short' },
      { key: 'b', value: 'long' },
    ])
    // It compresses well below the limit of the topic.
    expect(driver.read(out)).toHaveLength(2)
    await driver.pipeRaw(sums, [{ key: null, value: noText.encode('short') }])
    const tight = await TopologyTestDriver.create(wide, { turnSize: 5, maxMessageBytes: 150 })
    await tight.pipeAll(sums, [
      { key: 'a', value: '' },
      { key: 'b', value: 'long' },
    ])
    expect(tight.passedOver()).toMatchObject([
      { step: 'out', code: 'SLUICE_STREAMS_OUTPUT_TOO_LARGE', offset: 1 },
    ])
    expect(driver.passedOver()).toMatchObject([
      { step: 'out', code: 'SLUICE_CODEC_INVALID_VALUE', offset: 2 },
    ])
  })

  it('is no fault of the record when it passes by itself', async () => {
    let isDown = true
    const flow = topology(
      'foreign',
      {
        out: from(sums).pipe(
          mergeMap(async m => {
            if (isDown)
              throw new SluiceError({
                code: 'SLUICE_POSTGRES_UNAVAILABLE',
                message: 'down',
                reaction: 'retry',
              })
            return Promise.resolve(m)
          }),
          to(topic('out', { key: utf8, value: utf8 })),
        ),
      },
      { failures: { default: 'dead-letter' } },
    )
    const driver = await TopologyTestDriver.create(flow)
    await expect(driver.pipe(sums, 'a', 'b')).rejects.toMatchObject({ code: 'SLUICE_POSTGRES_UNAVAILABLE' })
    isDown = false
    await driver.pipe(sums, 'a', 'b')
    expect(driver.deadLetters()).toEqual([])
  })

  it('blames an unnamed operator on the node above it, and a repartition topic on its own source', async () => {
    const flow = topology(
      'blame',
      {
        out: from(sums).pipe(
          map(m => {
            if (m.value === 'bad') throw new Error('no')
            return withValue(m, m.value)
          }),
          repartition('again', { key: utf8, value: utf8 }),
          to(topic('out', { key: utf8, value: utf8 })),
        ),
      },
      { failures: { default: 'dead-letter' } },
    )
    const driver = await TopologyTestDriver.create(flow)
    await driver.pipe(sums, 'a', 'bad')
    await driver.pipeRaw({ name: 'blame-again-repartition' }, [
      { key: bytesOf('ff'), value: Buffer.from('x') },
    ])
    expect(driver.deadLetters().map(letter => [letter.source.topic, letter.step])).toEqual([
      ['sums', 'sums-source'],
      ['blame-again-repartition', 'again-repartition-source'],
    ])
  })
})

describe('a topology', () => {
  it('refuses a policy for a node that it does not have', () => {
    expect(() => flowWith({ steps: { 'chek-sale': 'skip' } })).toThrow(
      expect.objectContaining({ code: 'SLUICE_DSL_FAILURE_NODE_UNKNOWN' }) as Error,
    )
  })

  it('passes over records without a value where its topic says that they mean nothing', async () => {
    const input = topic('input', { key: utf8, value: utf8, nullValues: 'ignore' })
    const flow = topology('tombs', { out: from(input).pipe(to(sums)) })
    const driver = await TopologyTestDriver.create(flow)
    await driver.pipeRaw(input, [
      { key, value: null },
      { key, value: Buffer.from('v') },
    ])
    expect(driver.read(sums)).toHaveLength(1)
    expect(driver.passedOver()).toEqual([])
  })
})

it('a schema that was unknown is asked for again', async () => {
  const registry = memorySchemaRegistry()
  const { AvroCodecs } = await import('../../src/codec/avro-codecs.ts')
  const { avro } = await import('../../src/codec/avro.ts')
  const type = avro<Sale>('sales-value', saleSchema)
  const codecs = new AvroCodecs(registry, { unknownForMs: 0 })
  await codecs.prepare([type])
  const later = Buffer.concat([bytesOf('0000000002'), good.subarray(5)])
  await codecs.load(codecs.missingIds([later]))
  expect(() => codecs.serde(type).decode(later)).toThrow(
    expect.objectContaining({ code: 'SLUICE_SCHEMA_UNKNOWN' }) as Error,
  )
  await registry.register('other-value', JSON.stringify({ ...saleSchema, doc: 'the same, later' }))
  await codecs.load(codecs.missingIds([later]))
  expect(codecs.serde(type).decode(later)).toEqual({ sku: 'tea', quantity: 2 })
})
