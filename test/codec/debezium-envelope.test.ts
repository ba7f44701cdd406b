import { expect, test } from 'vitest'
import { AvroCodecs } from '../../src/codec/avro-codecs.ts'
import { avro } from '../../src/codec/avro.ts'
import { unreadable } from '../../src/codec/compatibility.ts'
import { memorySchemaRegistry } from '../../src/codec/memory-registry.ts'
import { schemas } from '../../schemas/index.ts'
import type { OutboxEnvelope } from '../../schemas/types.ts'

const ours = schemas['shop.public.outbox_event']

/** What a connector of another version writes, whose table has one more column: a source field more, and two less. */
const theirs = JSON.parse(
  JSON.stringify(ours)
    .replace(
      '"connect.name":"shop.public.outbox_event.Value"',
      '"connect.name":"shop.public.outbox_event.Value","doc":"with created_at"',
    )
    .replace(
      /("name":"payload".*?"default":null\})\]/,
      '$1,{"name":"created_at","type":["null",{"type":"string","connect.name":"io.debezium.time.ZonedTimestamp"}],"default":null}]',
    )
    .replace(
      '{"name":"origin","type":["null","string"],"default":null},{"name":"origin_lsn","type":["null","long"],"default":null}',
      '{"name":"region","type":["null","string"],"default":null}',
    ),
) as object

const value = {
  before: null,
  after: {
    id: 'i',
    aggregatetype: 'order',
    aggregateid: 'a',
    type: 'OrderCreated',
    payload: '{"a": 1}',
    created_at: '2026-01-01T00:00:00Z',
  },
  source: {
    version: '3.0.0.Final',
    connector: 'postgresql',
    name: 'shop',
    ts_ms: 1_764_000_000_000,
    snapshot: 'first',
    db: 'd',
    sequence: '["1","2"]',
    ts_us: 1_764_000_000_000_001,
    ts_ns: 1_764_000_000_000_001_001n,
    schema: 'public',
    table: 'outbox_event',
    txId: 1,
    lsn: 2,
    xmin: null,
    region: null,
  },
  transaction: null,
  op: 'c',
  ts_ms: 1,
  ts_us: 1_000,
  ts_ns: 1_000_000n,
}

test('the envelope of a connector with other fields is compatible and readable', async () => {
  expect(JSON.stringify(theirs)).toContain('created_at')
  expect(JSON.stringify(theirs)).not.toContain('origin')
  expect([...unreadable(ours, theirs), ...unreadable(theirs, ours)]).toEqual([])
  const registry = memorySchemaRegistry()
  const subject = 'shop.public.outbox_event-value'
  const [reader, writer] = [new AvroCodecs(registry), new AvroCodecs(registry)]
  const [ourType, theirType] = [avro<OutboxEnvelope>(subject, ours), avro<typeof value>(subject, theirs)]
  await reader.prepare([ourType])
  await writer.prepare([theirType])
  const bytes = writer.serde(theirType).encode(value)
  await reader.load(reader.missingIds([bytes]))
  const { after, source } = reader.serde(ourType).decode(bytes)
  expect(after).toEqual({
    id: 'i',
    aggregatetype: 'order',
    aggregateid: 'a',
    type: 'OrderCreated',
    payload: '{"a": 1}',
  })
  expect(source).toMatchObject({ ts_ns: 1_764_000_000_000_001_001n, origin: null, origin_lsn: null })
})
