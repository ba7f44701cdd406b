import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { httpSchemaRegistry } from '../../src/codec/http-registry.ts'
import { memorySchemaRegistry } from '../../src/codec/memory-registry.ts'

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
    message: expect.stringMatching(
      /order-value.*field `vip` was added without a default: values of version 1 cannot/,
    ) as string,
    remedy: expect.stringContaining('give `vip` a default') as string,
  })
  await registry.register('order-value', record(id, { name: 'vip', type: 'boolean', default: false }))
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

const answering = (...answers: Response[]) => {
  const asked: string[] = []
  const registry = httpSchemaRegistry({
    baseUrl: 'http://registry.test',
    retries: 1,
    backoffMs: 1,
    fetch: async url => {
      asked.push(url instanceof Request ? url.url : url.toString())
      return (answers.length > 1 ? answers.shift() : answers[0]?.clone()) ?? new Response('', { status: 500 })
    },
  })
  return { registry, asked }
}

const page = '<html><body>Sign in</body></html>'
const html = { 'content-type': 'text/html' }

test.each([
  ['a server error', new Response('starting', { status: 503 })],
  ['too many requests', Response.json({ message: 'slow down' }, { status: 429 })],
  ['a page instead of JSON', new Response(page, { headers: html })],
  ['a page that is not found', new Response(page, { status: 404, headers: html })],
  ["a web server's own 404", Response.json({ error_code: 0, message: 'no resource' }, { status: 404 })],
  ['JSON that is no object', Response.json('hello')],
  ['an empty answer', new Response('')],
])('%s passes: it is asked again, and says nothing about a schema', async (_, answer) => {
  const passing = answering(answer.clone(), Response.json({ schema: '"string"' }))
  expect(await passing.registry.schemaById(1)).toBe('"string"')
  const lasting = answering(answer)
  for (const question of [
    lasting.registry.schemaById(1),
    lasting.registry.versions('a-value'),
    lasting.registry.compatibility('a-value'),
    lasting.registry.register('a-value', '"string"'),
  ])
    await expect(question).rejects.toMatchObject({ code: 'SLUICE_REGISTRY_UNAVAILABLE', reaction: 'retry' })
  expect(lasting.asked).toHaveLength(8)
})

test('an answer without a schema says nothing about it, either', async () => {
  const { registry } = answering(Response.json({ hello: 'world' }))
  await expect(registry.schemaById(1)).rejects.toMatchObject({ code: 'SLUICE_REGISTRY_UNAVAILABLE' })
})

test("the registry's own 404 is certain, and asked for once", async () => {
  const { registry, asked } = answering(
    Response.json({ error_code: 40403, message: 'none' }, { status: 404 }),
  )
  await expect(registry.schemaById(7)).rejects.toMatchObject({
    code: 'SLUICE_SCHEMA_UNKNOWN',
    reaction: 'stop',
  })
  expect(asked).toHaveLength(1)
  expect(await registry.versions('a-value')).toEqual([])
  expect(await registry.compatibility('a-value')).toBeUndefined()
})

test('a missing right is named, and not retried', async () => {
  const { registry, asked } = answering(new Response(page, { status: 403, headers: html }))
  await expect(registry.schemaById(7)).rejects.toMatchObject({
    code: 'SLUICE_REGISTRY_REFUSED',
    message: expect.stringContaining('403') as string,
  })
  expect(asked).toHaveLength(1)
})

test('a registry that says when to come back is given that time', async () => {
  const waits: number[] = []
  const clock = {
    now: () => waits.reduce((sum, wait) => sum + wait, 0),
    sleep: async (durationMs: number) => void waits.push(durationMs),
  }
  const busy = () => Response.json({}, { status: 429, headers: { 'retry-after': '2' } })
  const registry = httpSchemaRegistry({
    baseUrl: 'http://registry.test',
    clock,
    fetch: async () => busy(),
  })
  await expect(registry.schemaById(1)).rejects.toMatchObject({ code: 'SLUICE_REGISTRY_UNAVAILABLE' })
  // Twice, then its patience is over.
  expect(waits).toEqual([2_000, 2_000])
})

test('a connection that is refused is named with its reason', async () => {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  const registry = httpSchemaRegistry({ baseUrl: `http://127.0.0.1:${port}`, retries: 0 })
  await expect(registry.schemaById(1)).rejects.toThrow(/127\.0\.0\.1:\d+ did not answer GET .*ECONNREFUSED/)
})

test('a registry that begins with the versions of another keeps their ids, and its rules', async () => {
  const vip = { name: 'vip', type: 'boolean', default: false }
  const registry = memorySchemaRegistry([
    { subject: 'order-value', id: 7, schema: record(id) },
    { subject: 'order-value', id: 9, schema: record(id, vip) },
  ])
  expect(await registry.register('order-value', record(id))).toBe(7)
  expect(await registry.schemaById(9)).toBe(record(id, vip))
  expect(await registry.latest('order-value')).toMatchObject({ id: 9, version: 2 })
  expect(await registry.register('other-value', record(vip))).toBe(10)
  await expect(
    registry.register('order-value', record(id, { name: 'name', type: 'string' })),
  ).rejects.toMatchObject({ code: 'SLUICE_SCHEMA_INCOMPATIBLE' })
})
