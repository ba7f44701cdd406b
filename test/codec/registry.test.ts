import { expect, test } from 'vitest'
import { incompatibilities, unreadable } from '../../src/codec/compatibility.ts'
import { httpSchemaRegistry } from '../../src/codec/http-registry.ts'
import { memorySchemaRegistry } from '../../src/codec/memory-registry.ts'
import { schemas } from '../../schemas/index.ts'

const nothing = /^$/
const record = (...fields: object[]): string => JSON.stringify({ type: 'record', name: 'Order', fields })
const id = { name: 'id', type: 'string' }

test('the same schema keeps its id; another subject shares it', async () => {
  const registry = memorySchemaRegistry()
  const first = await registry.register('a-value', record(id))
  expect(await registry.register('a-value', record(id))).toBe(first)
  expect(await registry.register('b-value', record(id))).toBe(first)
  expect(await registry.latest('a-value')).toEqual({ id: first, version: 1, schema: record(id) })
  expect(await registry.latest('c-value')).toBeUndefined()
  await expect(registry.schemaById(99)).rejects.toMatchObject({ code: 'SLUICE_SCHEMA_UNKNOWN' })
})

test('an incompatible version is refused with subject, field and rule', async () => {
  const registry = memorySchemaRegistry()
  await registry.setCompatibility('order-value', 'FULL_TRANSITIVE')
  await registry.register('order-value', record(id))
  await expect(
    registry.register('order-value', record(id, { name: 'vip', type: 'boolean' })),
  ).rejects.toMatchObject({
    code: 'SLUICE_SCHEMA_INCOMPATIBLE',
    message: expect.stringMatching(/order-value.*Order\.vip.*without a default.*rule: defaults/) as string,
  })
  await registry.register('order-value', record(id, { name: 'vip', type: 'boolean', default: false }))
})

test.each([
  [
    'a type that changed',
    record(id, { name: 'n', type: 'int' }),
    record(id, { name: 'n', type: 'string' }),
    /Order\.n.*promote/,
  ],
  [
    'an int read as long is fine',
    record({ name: 'n', type: 'long' }),
    record({ name: 'n', type: 'int' }),
    nothing,
  ],
  [
    'a long read as int is not',
    record({ name: 'n', type: 'int' }),
    record({ name: 'n', type: 'long' }),
    /Order\.n/,
  ],
  [
    'a branch that is gone',
    record({ name: 'n', type: ['null', 'int'] }),
    record({ name: 'n', type: ['null', 'string'] }),
    /unions/,
  ],
  [
    'a plain type read as a union',
    record({ name: 'n', type: ['null', 'string'] }),
    record({ name: 'n', type: 'string' }),
    nothing,
  ],
  [
    'a union read as a plain type',
    record({ name: 'n', type: 'string' }),
    record({ name: 'n', type: ['null', 'string'] }),
    /Order\.n/,
  ],
  [
    'a symbol that is gone',
    record({ name: 'e', type: { type: 'enum', name: 'E', symbols: ['a'] } }),
    record({ name: 'e', type: { type: 'enum', name: 'E', symbols: ['a', 'b'] } }),
    /symbols b/,
  ],
  [
    'within an array',
    record({ name: 'l', type: { type: 'array', items: { type: 'record', name: 'L', fields: [id] } } }),
    record({ name: 'l', type: { type: 'array', items: { type: 'record', name: 'L', fields: [] } } }),
    /Order\.l\[\]\.id/,
  ],
])('%s', (_, reader, writer, fault) => {
  const faults = unreadable(JSON.parse(reader), JSON.parse(writer))
  expect(faults.join()).toMatch(fault)
})

test('every schema of the project reads itself, recursion included', () => {
  for (const schema of Object.values(schemas)) expect(unreadable(schema, schema)).toEqual([])
  const tree = { type: 'record', name: 'T', fields: [{ name: 'next', type: ['null', 'T'], default: null }] }
  expect(unreadable(tree, tree)).toEqual([])
})

test('transitive levels look at all versions, the others at the last', () => {
  const first = record(id, { name: 'a', type: 'int', default: 0 })
  const last = record(id)
  const next = record(id, { name: 'a', type: 'string', default: '' })
  expect(incompatibilities('FULL', next, [first, last])).toEqual([])
  expect(incompatibilities('FULL_TRANSITIVE', next, [first, last])).not.toEqual([])
  expect(incompatibilities('NONE', next, [first, last])).toEqual([])
})

test('a registry that does not answer is asked again, then named', async () => {
  let asked = 0
  const registry = httpSchemaRegistry({
    baseUrl: 'http://registry.test/',
    retries: 2,
    backoffMs: 1,
    fetch: async () => {
      asked += 1
      throw new TypeError('fetch failed')
    },
  })
  await expect(registry.schemaById(1)).rejects.toMatchObject({
    code: 'SLUICE_REGISTRY_UNAVAILABLE',
    reaction: 'retry',
    message: expect.stringContaining('http://registry.test') as string,
  })
  expect(asked).toBe(3)
})

test('a server error is a passing fault', async () => {
  const answers = [new Response('starting', { status: 503 }), Response.json({ schema: '"string"' })]
  const registry = httpSchemaRegistry({
    baseUrl: 'http://registry.test',
    backoffMs: 1,
    fetch: async () => answers.shift() ?? new Response('', { status: 500 }),
  })
  expect(await registry.schemaById(1)).toBe('"string"')
})
