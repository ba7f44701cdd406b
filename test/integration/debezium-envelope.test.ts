import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { schemas } from '../../schemas/index.ts'
import { connectorSettings, prepareDebezium, startDebezium, unwrapTopic } from './support/debezium.ts'
import type { RunningDebezium } from './support/debezium.ts'
import { flatFields, readFlat, registeredSchema } from './support/flat-records.ts'
import type { FlatRecord } from './support/flat-records.ts'
import { RelayFixture, until } from './support/relay-fixture.ts'
import { stack } from './support/stack.ts'

// The same outbox rows through our relay and through Debezium, each into a topic of its own.

const peer = await prepareDebezium()
const reason = 'missing' in peer ? ` (skipped: ${peer.missing})` : ''

/** Who wrote the record, and when: nothing else may differ in what the change stream brings. */
const ofTheWriter = ['source.version', 'ts_ms', 'ts_us', 'ts_ns']

/** Two snapshots have different times, slots and transactions. Our txId is the row's own, Debezium's the snapshot's. */
const ofTheSnapshot = [
  'source.ts_ms',
  'source.ts_us',
  'source.ts_ns',
  'source.lsn',
  'source.sequence',
  'source.txId',
]

const columns = ['id', 'aggregatetype', 'aggregateid', 'type', 'payload']

const without = (fields: FlatRecord['fields'], names: readonly string[]): object =>
  Object.fromEntries(Object.entries(fields).filter(([name]) => !names.includes(name)))

const byId = (records: readonly FlatRecord[]): Map<unknown, FlatRecord> =>
  new Map(records.map(record => [record.fields['after.id'], record]))

describe.skipIf('missing' in peer)(`our envelope beside Debezium's${reason}`, () => {
  let outbox: RelayFixture
  let debezium: RunningDebezium
  let folder: string
  let theirTopic: string
  let ours: Map<unknown, FlatRecord>
  let theirs: Map<unknown, FlatRecord>
  const snapshotIds: string[] = []
  const streamIds: string[] = []

  const readBoth = async (): Promise<void> => {
    ours = byId(await readFlat(outbox.kafka, stack.registry, outbox.topic))
    theirs = byId(await readFlat(outbox.kafka, stack.registry, theirTopic))
  }
  const arrived = (ids: readonly string[]): Promise<boolean> =>
    until('the rows are on both topics', async () => {
      await readBoth()
      return ids.every(id => ours.has(id) && theirs.has(id))
    })

  /** Rows as various as the outbox may hold, in transactions of all shapes. */
  const write = async (): Promise<void> => {
    const { sql } = outbox
    const event = async (key: string, payload: string | null): Promise<void> => {
      const { rows } = await sql.query<{ id: string }>(
        `INSERT INTO outbox_event VALUES (gen_random_uuid(), 'order', $1, 'OrderCreated', $2) RETURNING id::text`,
        [key, payload],
      )
      streamIds.push(rows[0]?.id ?? '')
    }
    await event('plain', '{"b": 1, "a": [1.50, 1e3, 12345678901234567890]}')
    await event('nothing', null)
    await event('Schlüssel 🔑', '{"text": "naïve 🧾 \\u0001 \\" \\\\"}')
    await event('large', JSON.stringify({ noise: Array.from({ length: 4_000 }, (_, n) => `${n * 7919}`) }))
    await sql.query('BEGIN')
    await event('one', '{"n": 1}')
    await sql.query('SAVEPOINT before')
    await outbox.insert('undone')
    await sql.query('ROLLBACK TO SAVEPOINT before')
    await event('two', '{"n": 2}')
    await event('one', '{"n": 3}')
    await sql.query('COMMIT')
    await sql.query('CREATE TABLE other (n int)')
    await sql.query('INSERT INTO other VALUES (1)')
    streamIds.push(...(await outbox.insertMany(40)))
    const [first, second] = [await outbox.connect(), await outbox.connect()]
    await first.query('BEGIN')
    streamIds.push(await outbox.insert('overlapping', { begun: 'first' }, first))
    await second.query('BEGIN')
    streamIds.push(await outbox.insert('overlapping', { begun: 'second' }, second))
    await second.query('COMMIT')
    await first.query('COMMIT')
    await Promise.all([first.end(), second.end()])
    await event('end', '{}')
  }

  beforeAll(async () => {
    if ('missing' in peer) return
    outbox = await RelayFixture.create(stack)
    theirTopic = `${outbox.topic}.debezium`
    folder = await mkdtemp(join(tmpdir(), 'sluice-debezium-'))
    // As in the real table, a column that is no part of the event.
    await outbox.sql.query('ALTER TABLE outbox_event ADD created_at timestamptz NOT NULL DEFAULT now()')
    await outbox.kafka.admin().ensureTopics([{ name: theirTopic, partitions: 4, config: {} }])
    for (const key of ['old', 'older', 'old']) snapshotIds.push(await outbox.insert(key, { key }))
    const settings = connectorSettings(
      { postgres: outbox.options.postgresUrl, registry: stack.registry },
      {
        'slot.name': `${outbox.name}_debezium`,
        'topic.prefix': outbox.name,
        // To another topic, without a change of what the source block says.
        transforms: 'key,route',
        'transforms.route.type': 'org.apache.kafka.connect.transforms.RegexRouter',
        'transforms.route.regex': '.*',
        'transforms.route.replacement': theirTopic,
      },
    )
    debezium = startDebezium(peer, settings, { kafka: stack.kafka, folder })
    await outbox.streaming(outbox.start())
    await debezium.started()
    await arrived(snapshotIds)
    await write()
    await arrived(streamIds)
  })

  afterAll(async () => {
    await debezium?.stop()
    await outbox?.sql.query('SELECT pg_drop_replication_slot($1)', [`${outbox.name}_debezium`])
    await outbox?.kafka.admin().deleteTopics([theirTopic])
    await outbox?.close()
    if (folder !== undefined) await rm(folder, { recursive: true, force: true })
  })

  test('the registered schemas are equal', async () => {
    const [one] = ours.values()
    const [other] = theirs.values()
    const theirSchema = await registeredSchema(stack.registry, other?.schemaId ?? -1)
    const text = JSON.stringify(theirSchema).replaceAll(`"${outbox.name}.public`, '"shop.public')
    expect(JSON.parse(text)).toEqual(schemas['shop.public.outbox_event'])
    expect(await registeredSchema(stack.registry, one?.schemaId ?? -1)).toEqual(
      schemas['shop.public.outbox_event'],
    )
  })

  test('what the change stream brings is equal field by field', () => {
    expect(streamIds).toHaveLength(50)
    for (const id of streamIds) {
      const [our, their] = [ours.get(id)?.fields ?? {}, theirs.get(id)?.fields ?? {}]
      expect(Object.keys(our)).toEqual(Object.keys(their))
      expect(without(our, ofTheWriter)).toEqual(without(their, ofTheWriter))
    }
    const fields = [...ours.values()].flatMap(record => Object.keys(record.fields))
    // A name that no record has would excuse nothing, and hide that a field was renamed.
    expect(fields).toEqual(expect.arrayContaining(ofTheWriter))
  })

  test('what the snapshot brings is equal but for the snapshot itself', () => {
    for (const id of snapshotIds) {
      const [our, their] = [ours.get(id)?.fields ?? {}, theirs.get(id)?.fields ?? {}]
      const apart = [...ofTheWriter, ...ofTheSnapshot]
      expect(our).toMatchObject({ op: 'r' })
      expect(Object.keys(our)).toEqual(Object.keys(their))
      expect(without(our, apart)).toEqual(without(their, apart))
    }
    const marks = snapshotIds.map(id => theirs.get(id)?.fields['source.snapshot'])
    expect(marks).toEqual(['first', 'true', 'last'])
  })

  test('keys, partitions and the order within a key are equal', () => {
    const place = ({ key, partition }: FlatRecord): unknown => [key?.toString('hex'), partition]
    for (const [id, record] of ours) expect(place(record)).toEqual(place(theirs.get(id) as FlatRecord))
    const sequence = (records: Map<unknown, FlatRecord>): unknown[] =>
      [...records.values()]
        .toSorted((one, other) => one.partition - other.partition || one.offset - other.offset)
        .map(record => record.fields['after.id'])
    expect(sequence(ours)).toEqual(sequence(theirs))
  })

  test('headers are ours alone, and repeat what the envelope says', () => {
    for (const { headers, fields } of ours.values()) {
      expect(Object.fromEntries(headers.map(([name, value]) => [name, value.toString()]))).toEqual({
        id: fields['after.id'],
        eventType: fields['after.type'],
      })
    }
    for (const { headers } of theirs.values()) expect(headers).toEqual([])
  })

  test('Debezium knows our records for its envelopes, and unwraps them to the rows', async () => {
    if ('missing' in peer) return
    const servers = { postgres: outbox.options.postgresUrl, registry: stack.registry }
    const from = { kafka: stack.kafka, topic: outbox.topic, folder }
    const unwrapped = await unwrapTopic(peer, connectorSettings(servers, {}), from)
    expect(unwrapped).toHaveLength(ours.size)
    for (const { key, isEnvelope, schema, fields, types } of unwrapped) {
      const our = ours.get(fields['id'])?.fields ?? {}
      expect({ key, isEnvelope, schema }).toEqual({
        key: our['after.aggregateid'],
        isEnvelope: true,
        schema: 'shop.public.outbox_event.Value',
      })
      expect(fields).toEqual({
        ...Object.fromEntries(columns.map(column => [column, our[`after.${column}`]])),
        __op: our['op'],
        __source_lsn: our['source.lsn'],
        __source_snapshot: our['source.snapshot'],
        __deleted: 'false',
      })
      expect(types).toMatchObject({ id: 'io.debezium.data.Uuid', payload: 'io.debezium.data.Json' })
    }
  })

  test('a field that differs would be seen', () => {
    expect(flatFields({ a: { b: [1, { c: 2 }] }, d: null })).toEqual({ 'a.b.0': 1, 'a.b.1.c': 2, d: null })
  })
})
