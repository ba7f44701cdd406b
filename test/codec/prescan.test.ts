import { expect, test } from 'vitest'
import { AvroCodecs } from '../../src/codec/avro-codecs.ts'
import { avro } from '../../src/codec/avro.ts'
import { memorySchemaRegistry } from '../../src/codec/memory-registry.ts'
import type { Serde } from '../../src/codec/serde.ts'

const serdeOf = async <T>(schema: object): Promise<Serde<T>> => {
  const codecs = new AvroCodecs(memorySchemaRegistry())
  const type = avro<T>('test-value', schema)
  await codecs.prepare([type])
  return codecs.serde(type)
}

const record = (type: unknown): object => ({ type: 'record', name: 'R', fields: [{ name: 'f', type }] })
const value = (...body: number[]): Buffer => Buffer.from([0, 0, 0, 0, 1, ...body])
const malformed = expect.objectContaining({ code: 'SLUICE_CODEC_MALFORMED' }) as Error

test.each([
  ['nulls', { type: 'array', items: 'null' }],
  ['empty records', { type: 'array', items: { type: 'record', name: 'E', fields: [] } }],
  [
    'records of nulls',
    { type: 'array', items: { type: 'record', name: 'E', fields: [{ name: 'n', type: 'null' }] } },
  ],
  ['fixed of no size', { type: 'array', items: { type: 'fixed', name: 'Z', size: 0 } }],
])('an array of %s is refused as a schema', async (_, type) => {
  await expect(serdeOf(record(type))).rejects.toMatchObject({ code: 'SLUICE_CODEC_SCHEMA_REFUSED' })
})

test('a field named __proto__ is refused as a schema', async () => {
  const schema = { type: 'record', name: 'R', fields: [{ name: '__proto__', type: 'string' }] }
  await expect(serdeOf(schema)).rejects.toMatchObject({ code: 'SLUICE_CODEC_SCHEMA_REFUSED' })
})

test('a block that claims more items than there are bytes is refused', async () => {
  const serde = await serdeOf(record({ type: 'array', items: 'string' }))
  expect(() => serde.decode(value(0x80, 0x80, 0x80, 0x1c))).toThrow(malformed)
  expect(() => serde.decode(value(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10))).toThrow(malformed)
})

test('a negative length of a string is refused', async () => {
  const serde = await serdeOf(record('string'))
  expect(() => serde.decode(value(0x01))).toThrow(malformed)
})

test('a number of more than 64 bits is refused', async () => {
  const serde = await serdeOf(record('long'))
  expect(() => serde.decode(value(...Array.from({ length: 11 }, () => 0xff), 0x01))).toThrow(malformed)
})

test('a long beyond 2^53 is refused, not rounded', async () => {
  const serde = await serdeOf(record('long'))
  expect(() => serde.decode(value(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01))).toThrow(
    malformed,
  )
})

test('a map key __proto__ is refused, and no prototype changes', async () => {
  const serde = await serdeOf<{ f: Record<string, string> }>(record({ type: 'map', values: 'string' }))
  const key = Buffer.from('__proto__')
  const bytes = value(0x02, key.length * 2, ...key, 0x02, 0x41, 0x00)
  expect(() => serde.decode(bytes)).toThrow(malformed)
  const map = { constructor: 'x', prototype: 'y' }
  expect(serde.decode(serde.encode({ f: map })).f).toEqual(map)
})

test('nesting without end is refused', async () => {
  const serde = await serdeOf({ type: 'record', name: 'N', fields: [{ name: 'next', type: ['null', 'N'] }] })
  expect(() => serde.decode(value(...Array.from({ length: 5_000 }, () => 2), 0))).toThrow(malformed)
  expect(serde.decode(value(2, 2, 0))).toEqual({ next: { next: { next: null } } })
})

test('more than the largest value is refused before it is read', async () => {
  const serde = await serdeOf<{ f: string }>(record('string'))
  expect(() => serde.decode(serde.encode({ f: 'x'.repeat(1_048_577) }))).toThrow(malformed)
})

test('blocks with a byte count, as other writers make them, are read', async () => {
  const serde = await serdeOf<{ f: string[] }>(record({ type: 'array', items: 'string' }))
  // -2 items in 4 bytes: "a", "b"; then the end.
  expect(serde.decode(value(0x03, 0x08, 0x02, 0x61, 0x02, 0x62, 0x00))).toEqual({ f: ['a', 'b'] })
})
