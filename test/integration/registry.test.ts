import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { AvroCodecs } from '../../src/codec/avro-codecs.ts'
import { avro } from '../../src/codec/avro.ts'
import { httpSchemaRegistry } from '../../src/codec/http-registry.ts'
import { schemas, topics } from '../../schemas/index.ts'
import { stack } from './support/stack.ts'

const registry = httpSchemaRegistry({ baseUrl: stack.registry })
const newSubject = (): string => `test ${randomBytes(4).toString('hex')}/ä-value`
const record = (...fields: object[]): string =>
  JSON.stringify({ type: 'record', name: 'Order', namespace: 'test', fields })
const id = { name: 'id', type: 'string' }
const vip = { name: 'vip', type: 'boolean' }

test('registers, finds by id and as the latest, and gives an equal schema its id again', async () => {
  const subject = newSubject()
  expect(await registry.latest(subject)).toBeUndefined()
  const first = await registry.register(subject, record(id))
  expect(await registry.register(subject, record(id))).toBe(first)
  expect(JSON.parse(await registry.schemaById(first))).toEqual(JSON.parse(record(id)))
  const second = await registry.register(subject, record(id, { ...vip, default: false }))
  expect(await registry.latest(subject)).toMatchObject({ id: second, version: 2 })
})

test('prepare enforces FULL_TRANSITIVE from the first version on', async () => {
  const subject = newSubject()
  await new AvroCodecs(registry).prepare([avro(subject, record(id))])
  const answer = await registry.checkCompatibility(subject, record(id, vip))
  expect(answer).toMatchObject({ compatible: false })
  expect(answer.messages.join()).toMatch(/vip/)
  expect(await registry.checkCompatibility(subject, record(id, { ...vip, default: true }))).toMatchObject({
    compatible: true,
  })
  await expect(new AvroCodecs(registry).prepare([avro(subject, record(id, vip))])).rejects.toMatchObject({
    code: 'SLUICE_SCHEMA_INCOMPATIBLE',
    message: expect.stringMatching(/`vip` was added without a default: values of version 1/) as string,
  })
  await expect(new AvroCodecs(registry).prepare([avro(subject, record())])).rejects.toMatchObject({
    code: 'SLUICE_SCHEMA_INCOMPATIBLE',
    message: expect.stringContaining('`id` was removed, and version 1 has no default for it') as string,
  })
})

test('an id that does not exist is named', async () => {
  await expect(registry.schemaById(2_000_000_000)).rejects.toMatchObject({ code: 'SLUICE_SCHEMA_UNKNOWN' })
})

test('a registry that is not there is named', async () => {
  const absent = httpSchemaRegistry({ baseUrl: 'http://127.0.0.1:1', retries: 1, backoffMs: 1 })
  await expect(absent.register('a-value', '"string"')).rejects.toMatchObject({
    code: 'SLUICE_REGISTRY_UNAVAILABLE',
    reaction: 'retry',
  })
})

test('takes every schema of the project', async () => {
  const suffix = randomBytes(4).toString('hex')
  const codecs = new AvroCodecs(registry)
  const types = topics.map(topic => avro(`${topic}-${suffix}-value`, schemas[topic]))
  await codecs.prepare(types)
  expect(types.map(type => typeof codecs.serde(type).encode)).toEqual(types.map(() => 'function'))
})
