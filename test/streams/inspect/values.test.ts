import { describe, expect, test } from 'vitest'
import { AvroCodecs } from '../../../src/codec/avro-codecs.ts'
import { avro } from '../../../src/codec/avro.ts'
import { memorySchemaRegistry } from '../../../src/codec/memory-registry.ts'
import type { SchemaRegistry } from '../../../src/codec/registry.ts'
import { SluiceError } from '../../../src/core/errors.ts'
import { escapeControls, jsonLine, plainOf } from '../../../src/streams/inspect/values/escape.ts'
import { ValueDecoder } from '../../../src/streams/inspect/values/value-decoder.ts'

const record = (fields: object[]) => ({ type: 'record', name: 'Thing', fields })
const v1 = record([{ name: 'sku', type: 'string' }])
const v2 = record([
  { name: 'sku', type: 'string' },
  { name: 'at_ns', type: 'long', default: 0 },
])

const written = async (registry: SchemaRegistry, schema: object, value: object): Promise<Buffer> => {
  const type = avro<object>('thing-value', schema)
  const codecs = new AvroCodecs(registry)
  await codecs.prepare([type])
  return codecs.serde(type).encode(value)
}

describe('a value of unknown origin', () => {
  test('is decoded with its own writer’s schema, and nothing is registered for it', async () => {
    const registry = memorySchemaRegistry()
    const old = await written(registry, v1, { sku: 'A' })
    const recent = await written(registry, v2, { sku: 'B', at_ns: 1_795_656_178_606_000_001n })
    const before = await registry.versions('thing-value')
    const decoder = new ValueDecoder(new AvroCodecs(registry))
    await decoder.load([old, recent, null])
    expect(decoder.decode(old)).toEqual({ kind: 'avro', schemaId: 1, value: { sku: 'A' } })
    expect(decoder.decode(recent)).toMatchObject({ value: { sku: 'B', at_ns: '1795656178606000001' } })
    expect(await registry.versions('thing-value')).toEqual(before)
  })

  test.each([
    ['none', null, { kind: 'none' }],
    ['text', Buffer.from('85123A'), { kind: 'text', value: '85123A' }],
    ['no text', Buffer.from([0xff, 0xfe]), { kind: 'hex', hex: 'fffe' }],
    ['an id that nobody knows', Buffer.from([0, 0, 0, 0, 99, 2]), { kind: 'hex', hex: '000000006302' }],
  ])('is shown whatever it is: %s', async (_, bytes, expected) => {
    const decoder = new ValueDecoder(new AvroCodecs(memorySchemaRegistry()))
    await decoder.load([bytes])
    expect(decoder.decode(bytes)).toMatchObject(expected)
  })

  test('says why it is hex: truncated, or no registry to ask', async () => {
    const registry = memorySchemaRegistry()
    const bytes = await written(registry, v1, { sku: 'long enough' })
    const decoder = new ValueDecoder(new AvroCodecs(registry))
    await decoder.load([bytes])
    expect(decoder.decode(bytes.subarray(0, 9))).toMatchObject({
      kind: 'hex',
      reason: expect.stringContaining('cannot be decoded'),
    })
    const unreachable: SchemaRegistry = {
      ...registry,
      schemaById: async () => {
        throw new SluiceError({ code: 'SLUICE_REGISTRY_UNAVAILABLE', message: 'nobody answers' })
      },
    }
    const alone = new ValueDecoder(new AvroCodecs(unreachable))
    await alone.load([bytes])
    expect(alone.decode(bytes)).toMatchObject({ kind: 'hex', reason: 'nobody answers' })
  })
})

test('nothing that steers a terminal gets through, and JSON stays the same JSON', () => {
  const nasty = 'a\u001b[2Jb\u0007\u009b\u202ec\r\n'
  const steering = /[\p{Cc}\u202e]/u
  expect(escapeControls(nasty)).not.toMatch(steering)
  expect(jsonLine({ nasty })).not.toMatch(steering)
  expect(JSON.parse(jsonLine({ nasty }))).toEqual({ nasty })
})

test('plain data has no bigint and no bytes', () => {
  expect(plainOf({ at: 1n, of: [Buffer.from('a')], none: null })).toEqual({
    at: '1',
    of: ['0x61'],
    none: null,
  })
})
