import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { AvroCodecs } from '../../src/codec/avro-codecs.ts'
import { avro } from '../../src/codec/avro.ts'
import { memorySchemaRegistry } from '../../src/codec/memory-registry.ts'
import type { SchemaRegistry } from '../../src/codec/registry.ts'
import type { Serde } from '../../src/codec/serde.ts'
import { SluiceError } from '../../src/core/errors.ts'
import { schemas } from '../../schemas/index.ts'
import type { OrderCreated, OutboxEnvelope, StockMovement } from '../../schemas/types.ts'

const orderCreated = avro<OrderCreated>('order-created-value', schemas['order-created'])
const stockMovement = avro<StockMovement>('stock-movement-value', schemas['stock-movement'])
const outboxEvent = avro<OutboxEnvelope>(
  'shop.public.outbox_event-value',
  schemas['shop.public.outbox_event'],
)

const codecsWith = async (registry: SchemaRegistry = memorySchemaRegistry()): Promise<AvroCodecs> => {
  const codecs = new AvroCodecs(registry)
  await codecs.prepare([orderCreated, stockMovement, outboxEvent])
  return codecs
}

// The largest number avsc takes: one below the largest safe integer.
const amount = fc.maxSafeNat().map(value => Math.min(value, Number.MAX_SAFE_INTEGER - 1))

const order: fc.Arbitrary<OrderCreated> = fc.record({
  orderId: fc.uuid(),
  customerId: fc.string({ unit: 'grapheme' }),
  lines: fc.array(
    fc.record({
      sku: fc.string({ unit: 'binary' }).map(text => text.toWellFormed()),
      quantity: fc.integer({ min: 1, max: 1_000_000 }),
      amountMinor: amount,
      mode: fc.constantFrom('lwt', 'counter', 'deferred', 'combined'),
      generation: fc.option(fc.nat()),
    }),
    { maxLength: 40 },
  ),
  totalMinor: amount,
  createdAt: amount,
})

test('every value comes back as it was', async () => {
  const serde = (await codecsWith()).serde(orderCreated)
  fc.assert(
    fc.property(order, value => {
      expect(serde.decode(serde.encode(value))).toEqual(value)
    }),
  )
})

test('buffers given out are never written again', async () => {
  const serde = (await codecsWith()).serde(orderCreated)
  fc.assert(
    fc.property(fc.array(order, { minLength: 50, maxLength: 120 }), values => {
      const buffers = values.map(value => serde.encode(value))
      expect(buffers.map(buffer => serde.decode(buffer))).toEqual(values)
    }),
    { numRuns: 10 },
  )
})

test('a value larger than a slab is encoded whole', async () => {
  const serde = (await codecsWith()).serde(orderCreated)
  const value = { orderId: 'o', customerId: 'x'.repeat(300_000), lines: [], totalMinor: 0, createdAt: 0 }
  expect(serde.decode(serde.encode(value))).toEqual(value)
})

const decodesOrRefuses = (serde: Serde<unknown>, bytes: Buffer): 'decoded' | 'refused' => {
  try {
    serde.decode(bytes)
    return 'decoded'
  } catch (error) {
    expect(error).toBeInstanceOf(SluiceError)
    expect((error as SluiceError).code).toMatch(/^SLUICE_CODEC_/)
    return 'refused'
  }
}

test('a truncated value is refused at every length', async () => {
  const serde = (await codecsWith()).serde(orderCreated)
  fc.assert(
    fc.property(order, value => {
      const bytes = serde.encode(value)
      for (let length = 0; length < bytes.length; length += 1)
        expect(decodesOrRefuses(serde, bytes.subarray(0, length))).toBe('refused')
    }),
    { numRuns: 30 },
  )
})

test('damaged and random bytes are refused or decoded, never more', async () => {
  const codecs = await codecsWith()
  const serde = codecs.serde(orderCreated)
  const sample = serde.encode({ orderId: 'o', customerId: 'c', lines: [], totalMinor: 1, createdAt: 2 })
  const damaged = fc.uint8Array({ maxLength: 200 }).map(body => Buffer.concat([sample.subarray(0, 5), body]))
  fc.assert(
    fc.property(damaged, bytes => {
      expect(['decoded', 'refused']).toContain(decodesOrRefuses(serde, bytes))
    }),
    { numRuns: 5_000 },
  )
})

test('an older writer is read by a newer reader, defaults filled in', async () => {
  const registry = memorySchemaRegistry()
  const fields = [{ name: 'sku', type: 'string' }]
  const first = avro<{ sku: string }>('stock-value', { type: 'record', name: 'Stock', fields })
  const second = avro<{ sku: string; bin: string | null }>('stock-value', {
    type: 'record',
    name: 'Stock',
    fields: [...fields, { name: 'bin', type: ['null', 'string'], default: null }],
  })
  const reader = new AvroCodecs(registry)
  await reader.prepare([second])
  const serde = reader.serde(second)
  const writer = new AvroCodecs(registry)
  await writer.prepare([first])
  const bytes = writer.serde(first).encode({ sku: 'A' })

  const id = bytes.readUInt32BE(1)
  expect(() => serde.decode(bytes)).toThrow(
    expect.objectContaining({
      code: 'SLUICE_CODEC_SCHEMA_NOT_LOADED',
      details: { id, subject: 'stock-value' },
    }),
  )
  expect(reader.missingIds([bytes, null, Buffer.from('x'), bytes])).toEqual([id])
  await reader.load([id])
  expect(reader.missingIds([bytes])).toEqual([])
  expect(serde.decode(bytes)).toEqual({ sku: 'A', bin: null })
  const newer = serde.encode({ sku: 'B', bin: 'left' })
  await writer.load(writer.missingIds([newer]))
  expect(writer.serde(first).decode(newer)).toEqual({ sku: 'B' })
})

test('a value that does not fit names the field', async () => {
  const codecs = await codecsWith()
  const movement = {
    eventId: 'e',
    type: 'line',
    sku: 'A',
    orderId: null,
    mode: 'lwt',
    generation: null,
    reason: null,
    at: 0,
  } as const
  const serde = codecs.serde(stockMovement)
  expect(() => serde.encode({ ...movement, quantity: 2 ** 53 })).toThrow(
    expect.objectContaining({
      code: 'SLUICE_CODEC_INVALID_VALUE',
      message: expect.stringContaining('quantity') as string,
    }),
  )
  expect(() => serde.encode({ ...movement, quantity: 1.5 })).toThrow(/quantity/)
  expect(serde.decode(serde.encode({ ...movement, quantity: -5 })).quantity).toBe(-5)
})

test('another magic byte is refused', async () => {
  const serde = (await codecsWith()).serde(orderCreated)
  expect(() => serde.decode(Buffer.from('{"a":1}'))).toThrow(
    expect.objectContaining({ code: 'SLUICE_CODEC_NOT_WIRE_FORMAT' }),
  )
  expect(() => serde.decode(Buffer.alloc(3))).toThrow(
    expect.objectContaining({ code: 'SLUICE_CODEC_NOT_WIRE_FORMAT' }),
  )
})

test('nanoseconds are bigints beyond 53 bits, and null', async () => {
  const serde = (await codecsWith()).serde(outboxEvent)
  const at = 1_764_000_000_000_000_001n
  const value: OutboxEnvelope = {
    before: null,
    after: { id: 'i', aggregatetype: 'order', aggregateid: 'a', type: 'OrderCreated', payload: '{"a": 1}' },
    source: {
      version: 'v',
      connector: 'postgresql',
      name: 'shop',
      ts_ms: 1,
      snapshot: 'false',
      db: 'd',
      sequence: null,
      ts_us: 1,
      ts_ns: at,
      schema: 'public',
      table: 'outbox_event',
      txId: 1,
      lsn: 2,
      xmin: null,
      origin: null,
      origin_lsn: null,
    },
    transaction: null,
    op: 'c',
    ts_ms: 1,
    ts_us: null,
    ts_ns: null,
  }
  expect(serde.decode(serde.encode(value))).toEqual(value)
})

test('a serde is refused for a type that was not prepared', () => {
  expect(() => new AvroCodecs(memorySchemaRegistry()).serde(orderCreated)).toThrow(
    expect.objectContaining({ code: 'SLUICE_CODEC_NOT_PREPARED' }),
  )
})
