import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Admin, Producer, stringSerializers } from '@platformatic/kafka'
import avsc, { type Schema } from 'avsc'
import { Client as CassandraClient, types } from 'cassandra-driver'
import { Client as PostgresClient } from 'pg'
import {
  ledgerTopicOf,
  topicOf,
  type LedgerChangelog,
  type Position,
  type Streams,
} from '../../src/check/evidence.ts'
import { Brokers } from '../../src/check/log/brokers.ts'
import { readExtents } from '../../src/check/log/raw-log.ts'
import { anyLong } from '../../src/check/log/registry.ts'
import type { CheckTargets } from '../../src/check/types.ts'
import { cassandraSchema } from '../../src/orders/migrations/cassandra.ts'
import { systemClock } from '../../src/core/clock.ts'
import type { StackUrls } from '../../src/stack/types.ts'
import { partitionOf } from '../../src/check/murmur2.ts'
import { partitionCount, type World } from '../check/world.ts'

type Value = Record<string, unknown>

/** A record to put into a topic: where it goes by itself is said, for tests that put it elsewhere. */
export interface Written {
  readonly topic: string
  readonly record: Omit<Position, 'offset'>
  readonly headers: Readonly<Record<string, string>>
  /** Bytes are written as they are. */
  readonly value: Value | Buffer | null
}

/** The servers with a database, a keyspace and topics of one test's own, and the means to change what is in them. */
export interface Seeded {
  readonly targets: CheckTargets
  readonly postgres: PostgresClient
  readonly cassandra: CassandraClient
  /** Writes records in one transaction, and ends it. */
  write(records: readonly Written[], end: 'commit' | 'abort'): Promise<void>
  close(): Promise<void>
}

const schemaTextOf = (topic: string): string =>
  readFileSync(new URL(`../../schemas/${topic}.avsc`, import.meta.url), 'utf8')

const register = async (registry: string, topic: string, schema: string): Promise<number> => {
  const response = await fetch(`${registry}/subjects/${topic}-value/versions`, {
    method: 'POST',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify({ schema }),
  })
  if (!response.ok) throw new Error(`${topic}: ${await response.text()}`)
  const { id } = (await response.json()) as { id: number }
  return id
}

const seedPostgres = async (stack: StackUrls, database: string, world: World): Promise<PostgresClient> => {
  const maker = new PostgresClient({ connectionString: stack.postgres })
  await maker.connect()
  await maker.query(`CREATE DATABASE ${database}`)
  await maker.end()
  const client = new PostgresClient({ connectionString: urlOf(stack, database) })
  await client.connect()
  const migration = new URL('../../src/orders/migrations/sql/001-orders.sql', import.meta.url)
  await client.query(readFileSync(migration, 'utf8'))
  for (const [id, { status, lines, totalMinor }] of world.orders) {
    await client.query(
      'INSERT INTO orders (id, customer_id, status, lines, total_minor, created_at) VALUES ($1, $2, $3, $4, $5, now())',
      [id, 'guest', status, JSON.stringify(lines), totalMinor],
    )
  }
  for (const [id, { sku, quantity }] of world.adjustments) {
    await client.query(
      "INSERT INTO stock_adjustment (id, sku, quantity, reason, created_at) VALUES ($1, $2, $3, 'initial', now())",
      [id, sku, quantity],
    )
  }
  for (const [id, { type, aggregateId, subjectId }] of world.outboxRows) {
    await client.query(
      'INSERT INTO outbox_event (id, aggregatetype, aggregateid, type, payload) VALUES ($1, $2, $3, $4, $5)',
      [
        id,
        type === 'StockAdjusted' ? 'stock' : 'order',
        aggregateId,
        type,
        JSON.stringify(payloadOf(type, subjectId)),
      ],
    )
  }
  return client
}

const urlOf = (stack: StackUrls, database: string): string => {
  const url = new URL(stack.postgres)
  url.pathname = `/${database}`
  return url.href
}

const payloadOf = (type: string, subjectId: string): Value =>
  type === 'StockAdjusted' ? { adjustmentId: subjectId } : { orderId: subjectId }

const seedCassandra = async (stack: StackUrls, keyspace: string, world: World): Promise<CassandraClient> => {
  const client = new CassandraClient({
    contactPoints: [stack.cassandra],
    localDataCenter: stack.datacenter,
    queryOptions: { prepare: true, consistency: types.consistencies.quorum },
    encoding: { useBigIntAsLong: true },
  })
  await client.connect()
  for (const statement of cassandraSchema(keyspace, stack.datacenter, 1))
    await client.execute(statement, [], { prepare: false })
  await client.execute(`USE ${keyspace}`, [], { prepare: false })
  for (const [sku, generations] of world.stock) {
    for (const { generation, available, adjusted, sold, settledVersion, mode, rows } of generations) {
      await client.execute(
        'INSERT INTO stock (sku, generation, entry, available, version, mode, settled_version, adjusted, sold, closed, kind, quantity, state, at) ' +
          "VALUES (?, ?, '', ?, 1, ?, ?, ?, ?, false, 'sentinel', 0, '', ?) IF NOT EXISTS",
        [
          sku,
          generation,
          BigInt(available),
          mode,
          BigInt(settledVersion),
          BigInt(adjusted),
          BigInt(sold),
          new Date(0),
        ],
      )
      for (const { entry, kind, quantity, state, atMs } of rows) {
        await client.execute(
          'INSERT INTO stock (sku, generation, entry, kind, quantity, state, at) VALUES (?, ?, ?, ?, ?, ?, ?) IF NOT EXISTS',
          [sku, generation, entry, kind, BigInt(quantity), state, new Date(atMs)],
        )
      }
    }
  }
  for (const [sku, { onHand, reserved, sold, version }] of world.stockStates) {
    await client.execute(
      'INSERT INTO stock_state (sku, on_hand, reserved, sold, version) VALUES (?, ?, ?, ?, ?)',
      [sku, BigInt(onHand), BigInt(reserved), BigInt(sold), BigInt(version)],
    )
  }
  for (const [sku, rows] of world.stockUpdates) {
    for (const { version, eventId, orderId, type, quantity, onHand, reserved, sold } of rows) {
      await client.execute(
        'INSERT INTO stock_update (sku, bucket, version, event_id, order_id, type, quantity, on_hand, reserved, sold) ' +
          "VALUES (?, '2026-01-01', ?, ?, ?, ?, ?, ?, ?, ?)",
        [
          sku,
          BigInt(version),
          eventId,
          orderId,
          type,
          BigInt(quantity),
          BigInt(onHand),
          BigInt(reserved),
          BigInt(sold),
        ],
      )
    }
  }
  return client
}

const linesOf = (units: number): Value[] =>
  units === 0 ? [] : [{ sku: 'ANY', quantity: units, amountMinor: 0, mode: 'lwt', generation: 0 }]

/** The records of a stream with full values, as the pipeline would write them. */
export const writtenOf = <Name extends keyof Streams>(stream: Name, records: Streams[Name]): Written[] =>
  records.map((record): Written => {
    const at = record.timestampMs
    const head = { topic: topicOf[stream], record, headers: { id: record.eventId } }
    if (stream === 'outbox' && 'subjectId' in record) {
      const { eventId: id, type, subjectId, byRelay } = record
      const payload = JSON.stringify(payloadOf(type, subjectId))
      const after = { id, aggregatetype: 'any', aggregateid: record.key, type, payload }
      const source = {
        version: byRelay ? 'sluice-1' : '1.0.0.Final',
        connector: 'postgresql',
        name: 'shop',
        ts_ms: at,
        snapshot: 'false',
      }
      const place = {
        db: 'd',
        schema: 'public',
        table: 'outbox_event',
        sequence: null,
        ts_us: null,
        ts_ns: 1_700_000_000_123_456_789n,
      }
      const empty = { txId: null, lsn: null, xmin: null }
      const times = { ts_ms: at, ts_us: at * 1_000, ts_ns: 1_700_000_000_123_456_789n }
      const envelope = {
        before: null,
        after,
        source: { ...source, ...place, ...empty },
        transaction: null,
        op: 'c',
        ...times,
      }
      return { ...head, value: envelope }
    }
    if ('sku' in record)
      return { ...head, value: { ...record, generation: null, reason: null, mode: 'lwt', at } }
    const order = { ...record, customerId: 'guest', lines: linesOf('units' in record ? record.units : 0) }
    return {
      ...head,
      value: { ...order, createdAt: at, confirmedAt: at, rejectedAt: at, reasons: [] },
    }
  })

const changelogRecord = (topic: string, key: string, sku: string, value: Value | null): Written => ({
  topic,
  record: { key, partition: partitionOf(sku, partitionCount), timestampMs: 1_000 },
  headers: {},
  value,
})

/** The changelogs of the ledger's stores, each level with an older value before it, and an entry that was deleted. */
export const changelogOf = ({ levels, entries }: LedgerChangelog): Written[] => [
  ...[...levels].flatMap(([sku, level]) => [
    changelogRecord(ledgerTopicOf.levels, sku, sku, { ...level, version: level.version - 1, settling: 0 }),
    changelogRecord(ledgerTopicOf.levels, sku, sku, { ...level, settling: 0 }),
  ]),
  ...[...entries].flatMap(([sku, ofSku]) => [
    ...[...ofSku].map(([id, entry]) =>
      changelogRecord(ledgerTopicOf.entries, `${sku}|${id}`, sku, { ...entry }),
    ),
    changelogRecord(ledgerTopicOf.entries, `${sku}|forgotten`, sku, { state: 'sold', quantity: 1 }),
    changelogRecord(ledgerTopicOf.entries, `${sku}|forgotten`, sku, null),
  ]),
]

/** Two records that were parked, rubbish and one that was sent again later, each the first of its partition, and their dead letters. */
const parkedOf = (world: World, topicPrefix: string): { records: Written[]; letters: Written[] } => {
  const [again] = writtenOf('movements', world.log.committed.movements)
  if (again === undefined) throw new Error('the world has no movement to park')
  const partition = (again.record.partition + 1) % partitionCount
  const rubbish = { ...again, record: { ...again.record, partition }, value: Buffer.from('rubbish') }
  const records = [again, rubbish]
  const letters = records.map(({ topic, record, value }) => ({
    topic: ledgerTopicOf.parked,
    record,
    value: Buffer.isBuffer(value) ? value : null,
    headers: {
      '__streams.errors.topic': `${topicPrefix}${topic}`,
      '__streams.errors.partition': String(record.partition),
      '__streams.errors.offset': '0',
    },
  }))
  return { records, letters }
}

const streamNames = Object.keys(topicOf) as (keyof Streams)[]
const avroTopics = [...Object.values(topicOf), ledgerTopicOf.levels, ledgerTopicOf.entries]

/** Writes a world to real servers, under names of its own, with parked records beside it unless told otherwise. */
export const seed = async (
  stack: StackUrls,
  world: World,
  options: { readonly withParked?: boolean } = {},
): Promise<Seeded> => {
  const suffix = randomBytes(5).toString('hex')
  const topicPrefix = `check-${suffix}.`
  const database = `check_${suffix}`
  const keyspace = `check_${suffix}`
  const bootstrapBrokers = [stack.kafka]
  const admin = new Admin({ clientId: 'check-test', bootstrapBrokers })
  const brokers = new Brokers(stack.kafka)
  const topics = [...avroTopics, ledgerTopicOf.parked].map(topic => `${topicPrefix}${topic}`)
  await admin.createTopics({ topics, partitions: partitionCount, replicas: 1 })
  const encoders = new Map(
    await Promise.all(
      avroTopics.map(async topic => {
        const text = schemaTextOf(topic)
        const id = await register(stack.registry, `${topicPrefix}${topic}`, text)
        return [
          topic,
          { id, type: avsc.Type.forSchema(JSON.parse(text) as Schema, { registry: { long: anyLong } }) },
        ] as const
      }),
    ),
  )
  const producer = new Producer({
    clientId: 'check-test',
    bootstrapBrokers,
    transactionalId: `check-test-${suffix}`,
    idempotent: true,
    producerId: -1n,
    producerEpoch: -1,
    retryDelay: 20,
    retries: 200,
    serializers: { ...stringSerializers, value: (bytes?: Buffer) => bytes },
  })
  const encoded = (topic: string, value: Value): Buffer => {
    const encoder = encoders.get(topic)
    if (encoder === undefined) throw new Error(`no schema for ${topic}`)
    const header = Buffer.alloc(5)
    header.writeUInt32BE(encoder.id, 1)
    return Buffer.concat([header, encoder.type.toBuffer(value)])
  }
  const messageOf = ({ topic, record, headers, value }: Written) => ({
    topic: `${topicPrefix}${topic}`,
    partition: record.partition,
    key: record.key,
    timestamp: BigInt(record.timestampMs),
    headers,
    ...(value !== null && { value: Buffer.isBuffer(value) ? value : encoded(topic, value) }),
  })
  // The coordinator answers before the markers are in the partitions.
  const untilDecided = async (): Promise<void> => {
    const extents = await readExtents(brokers, topics)
    if (extents.every(({ stable, end }) => stable === end)) return
    await systemClock.sleep(20)
    await untilDecided()
  }
  const write: Seeded['write'] = async (records, end) => {
    const transaction = await producer.beginTransaction()
    await transaction.send({ messages: records.map(messageOf) })
    await (end === 'commit' ? transaction.commit() : transaction.abort())
    await untilDecided()
  }
  const [postgres, cassandra] = await Promise.all([
    seedPostgres(stack, database, world),
    seedCassandra(stack, keyspace, world),
  ])
  const { aborted, committed, changelog } = world.log
  if (options.withParked !== false) {
    const parked = parkedOf(world, topicPrefix)
    await write(parked.records, 'commit')
    await write(parked.letters, 'commit')
  }
  await write(changelogOf(changelog), 'commit')
  for (const stream of streamNames) {
    if (aborted[stream].length > 0) await write(writtenOf(stream, aborted[stream]), 'abort')
    if (committed[stream].length > 0) await write(writtenOf(stream, committed[stream]), 'commit')
  }
  return {
    targets: { ...stack, postgres: urlOf(stack, database), keyspace, topicPrefix },
    postgres,
    cassandra,
    write,
    close: async () => {
      await producer.close()
      await brokers.close()
      await admin.deleteTopics({ topics })
      await admin.close()
      await postgres.end()
      const dropper = new PostgresClient({ connectionString: stack.postgres })
      await dropper.connect()
      await dropper.query(`DROP DATABASE ${database}`)
      await dropper.end()
      await cassandra.execute(`DROP KEYSPACE ${keyspace}`, [], { prepare: false })
      await cassandra.shutdown()
    },
  }
}
