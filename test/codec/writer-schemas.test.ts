import { expect, test } from 'vitest'
import { AvroCodecs } from '../../src/codec/avro-codecs.ts'
import { avro } from '../../src/codec/avro.ts'
import { BoundedMap } from '../../src/codec/bounded-map.ts'
import { memorySchemaRegistry } from '../../src/codec/memory-registry.ts'
import type { SchemaRegistry } from '../../src/codec/registry.ts'
import { SluiceError } from '../../src/core/errors.ts'

const fields = [{ name: 'sku', type: 'string' }]
const stock = avro<{ sku: string }>('stock-value', { type: 'record', name: 'Stock', fields })
const versionOf = (field: string): string =>
  JSON.stringify({
    type: 'record',
    name: 'Stock',
    fields: [...fields, { name: field, type: 'int', default: 0 }],
  })

/** A registry in memory that counts what it is asked, and can be out of reach. */
const countingRegistry = () => {
  const registry = memorySchemaRegistry()
  const asked: number[] = []
  let reachable = true
  let emptied = false
  const counting: SchemaRegistry = {
    ...registry,
    schemaById: async id => {
      asked.push(id)
      if (!reachable)
        throw new SluiceError({ code: 'SLUICE_REGISTRY_UNAVAILABLE', message: 'gone', reaction: 'retry' })
      return (emptied ? memorySchemaRegistry() : registry).schemaById(id)
    },
  }
  return {
    registry: counting,
    asked,
    vanish: () => (reachable = false),
    comeBack: () => (reachable = true),
    empty: () => (emptied = true),
  }
}

const valueWith = (id: number): Buffer => {
  const bytes = Buffer.from([0, 0, 0, 0, 0, 2, 0x41, 0])
  bytes.writeUInt32BE(id, 1)
  return bytes
}

const setUp = async (options: { maxSchemas?: number } = {}) => {
  const counted = countingRegistry()
  let nowMs = 0
  const clock = { now: () => nowMs, sleep: async () => {} }
  const codecs = new AvroCodecs(counted.registry, { clock, unknownForMs: 1_000, ...options })
  await codecs.prepare([stock])
  const pass = (durationMs: number): void => void (nowMs += durationMs)
  const decode = async (id: number): Promise<{ sku: string }> => {
    const value = valueWith(id)
    const missing = codecs.missingIds([value])
    if (missing.length > 0) await codecs.load(missing)
    return codecs.serde(stock).decode(value)
  }
  return { ...counted, codecs, pass, decode }
}

test('an id is fetched once, also by those who miss it at the same time', async () => {
  const { registry, decode, asked } = await setUp()
  const id = await registry.register('other-value', versionOf('bin'))
  await Promise.all([decode(id), decode(id), decode(id)])
  expect(await decode(id)).toEqual({ sku: 'A' })
  expect(asked).toEqual([id])
})

test('versions found while preparing are not fetched again', async () => {
  const { registry, asked } = await setUp()
  await registry.setCompatibility('stock-value', 'FULL_TRANSITIVE')
  const id = await registry.register('stock-value', versionOf('bin'))
  const later = new AvroCodecs(registry)
  await later.prepare([stock])
  expect(later.missingIds([valueWith(id)])).toEqual([])
  expect(later.serde(stock).decode(valueWith(id))).toEqual({ sku: 'A' })
  expect(asked).toEqual([])
})

test('an id that the registry does not know is the fault of the value, and asked for once in a while', async () => {
  const { decode, asked, pass } = await setUp()
  const unknown = { code: 'SLUICE_SCHEMA_UNKNOWN', reaction: 'stop' }
  for (let attempt = 0; attempt < 5; attempt += 1) await expect(decode(900)).rejects.toMatchObject(unknown)
  expect(asked.filter(id => id === 900)).toHaveLength(1)
  pass(1_000)
  await expect(decode(900)).rejects.toMatchObject(unknown)
  expect(asked.filter(id => id === 900)).toHaveLength(2)
})

test('an id that comes into being is found when it is asked for again', async () => {
  const { registry, decode, pass } = await setUp()
  await expect(decode(2)).rejects.toMatchObject({ code: 'SLUICE_SCHEMA_UNKNOWN' })
  expect(await registry.register('other-value', versionOf('bin'))).toBe(2)
  pass(1_000)
  expect(await decode(2)).toEqual({ sku: 'A' })
})

test('a value whose id has become unknown between loading and decoding is still bad, not waited for', async () => {
  const { codecs, pass } = await setUp()
  await codecs.load([900])
  pass(60_000)
  expect(() => codecs.serde(stock).decode(valueWith(900))).toThrow(
    expect.objectContaining({ code: 'SLUICE_SCHEMA_UNKNOWN' }),
  )
})

test('an id beyond 31 bits cannot exist, and no registry is asked', async () => {
  const { decode, asked } = await setUp()
  await expect(decode(4_294_967_295)).rejects.toMatchObject({ code: 'SLUICE_SCHEMA_UNKNOWN' })
  expect(asked).toEqual([])
})

test('a registry out of reach makes no value bad: loading fails, and goes on when it is back', async () => {
  const { registry, codecs, decode, vanish, comeBack } = await setUp()
  const id = await registry.register('other-value', versionOf('bin'))
  vanish()
  await expect(codecs.load([id])).rejects.toMatchObject({
    code: 'SLUICE_REGISTRY_UNAVAILABLE',
    reaction: 'retry',
  })
  expect(() => codecs.serde(stock).decode(valueWith(id))).toThrow(
    expect.objectContaining({ code: 'SLUICE_CODEC_SCHEMA_NOT_LOADED', reaction: 'retry' }),
  )
  comeBack()
  expect(await decode(id)).toEqual({ sku: 'A' })
})

test('of several ids those that were answered are kept', async () => {
  const { registry, codecs, asked } = await setUp()
  const id = await registry.register('other-value', versionOf('bin'))
  await codecs.load([900, id])
  expect(codecs.missingIds([valueWith(900), valueWith(id)])).toEqual([])
  expect(asked).toContain(id)
})

test('an emptied registry makes no value bad', async () => {
  const { codecs, empty } = await setUp()
  empty()
  await expect(codecs.load([900])).rejects.toMatchObject({
    code: 'SLUICE_REGISTRY_FOREIGN',
    reaction: 'retry',
    message: expect.stringContaining('emptied or replaced') as string,
  })
  expect(codecs.missingIds([valueWith(900)])).toEqual([900])
})

test('a registry that gave our id to another schema makes no value bad', async () => {
  const { codecs, registry } = await setUp()
  const replaced = memorySchemaRegistry()
  await replaced.register('x-value', versionOf('another'))
  Object.assign(registry, { schemaById: (id: number) => replaced.schemaById(id) })
  await expect(codecs.load([900])).rejects.toMatchObject({ code: 'SLUICE_REGISTRY_FOREIGN' })
})

test('a schema that is refused makes its values bad, named with its id', async () => {
  const { registry, decode, asked } = await setUp()
  const id = await registry.register('other-value', '{"type":"array","items":"null"}')
  await expect(decode(id)).rejects.toMatchObject({
    code: 'SLUICE_CODEC_SCHEMA_REFUSED',
    message: expect.stringContaining(`schema ${id} of the registry`) as string,
  })
  await expect(decode(id)).rejects.toMatchObject({ code: 'SLUICE_CODEC_SCHEMA_REFUSED' })
  expect(asked).toEqual([id])
})

test('no more schemas are kept than allowed; the own one always is', async () => {
  const { registry, decode, codecs, asked } = await setUp({ maxSchemas: 2 })
  const ids: number[] = []
  for (const field of ['a', 'b', 'c']) ids.push(await registry.register(`${field}-value`, versionOf(field)))
  for (const id of ids) await decode(id)
  const [first = 0, , third = 0] = ids
  expect(codecs.missingIds([valueWith(third)])).toEqual([])
  expect(codecs.missingIds([valueWith(first)])).toEqual([first])
  await decode(first)
  expect(asked).toEqual([...ids, first])
  expect(codecs.missingIds([codecs.serde(stock).encode({ sku: 'A' })])).toEqual([])
})

test('a bounded map forgets what was used longest ago', () => {
  const map = new BoundedMap<string, number>(2)
  map.set('a', 1)
  map.set('b', 2)
  expect(map.get('a')).toBe(1)
  map.set('c', 3)
  expect([map.get('a'), map.get('b'), map.get('c'), map.size]).toEqual([1, undefined, 3, 2])
})
