import { randomBytes } from 'node:crypto'
import { Client } from 'pg'
import { AvroCodecs } from '../../../src/codec/avro-codecs.ts'
import { httpSchemaRegistry } from '../../../src/codec/http-registry.ts'
import { outboxType } from '../../../src/cdc/outbox-type.ts'
import { newRelayStatus } from '../../../src/cdc/options.ts'
import type { RelayDependencies, RelayOptions, RelayStatus } from '../../../src/cdc/options.ts'
import { runRelay } from '../../../src/cdc/relay.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { newId } from '../../../src/core/ids.ts'
import { silentLogger } from '../../../src/core/log.ts'
import { connectKafka } from '../../../src/kafka/platformatic.ts'
import type { ConsumedRecord, Kafka } from '../../../src/kafka/types.ts'
import type { OutboxEnvelope } from '../../../schemas/types.ts'

export interface Servers {
  readonly postgres: string
  readonly kafka: string
  readonly registry: string
}

export interface RunningRelay {
  readonly status: RelayStatus
  /** Settles when the relay has ended; rejects with what made it stop. */
  readonly done: Promise<void>
  stop(): Promise<void>
}

export interface OutboxRecord extends ConsumedRecord {
  readonly envelope: OutboxEnvelope
}

/** Waits for a condition, never for a time; fails after `withinMs`. */
export const until = async <Value>(
  what: string,
  look: () => Promise<Value | false | undefined> | Value | false | undefined,
  withinMs = 60_000,
): Promise<Value> => {
  const deadline = systemClock.now() + withinMs
  for (;;) {
    const value = await look()
    if (value !== false && value !== undefined) return value
    if (systemClock.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`)
    await systemClock.sleep(25)
  }
}

/** One outbox of its own: database, slot, topic and relay name, on shared servers. */
export class RelayFixture {
  readonly name: string
  readonly options: RelayOptions
  readonly sql: Client
  readonly kafka: Kafka
  readonly topic: string
  readonly #servers: Servers
  readonly #relays: RunningRelay[] = []

  private constructor(servers: Servers, name: string, url: string) {
    this.name = name
    this.#servers = servers
    this.options = {
      postgresUrl: url,
      name,
      slot: name,
      publication: 'sluice_outbox',
      prefix: name,
      statusIntervalMs: 200,
      backoffMs: 50,
    }
    this.topic = `${name}.public.outbox_event`
    this.sql = new Client({ connectionString: url })
    this.kafka = connectKafka({ brokers: [servers.kafka], clientId: name })
  }

  static async create(servers: Servers): Promise<RelayFixture> {
    const name = `relay_${randomBytes(4).toString('hex')}`
    const root = new Client({ connectionString: servers.postgres })
    await root.connect()
    await root.query(`CREATE DATABASE ${name}`)
    await root.end()
    const url = new URL(servers.postgres)
    url.pathname = `/${name}`
    const fixture = new RelayFixture(servers, name, url.toString())
    await fixture.sql.connect()
    await fixture.sql
      .query(`CREATE TABLE outbox_event (id uuid PRIMARY KEY, aggregatetype varchar(255) NOT NULL,
      aggregateid varchar(255) NOT NULL, type varchar(255) NOT NULL, payload jsonb)`)
    await fixture.sql.query(
      `CREATE PUBLICATION sluice_outbox FOR TABLE outbox_event WITH (publish = 'insert')`,
    )
    return fixture
  }

  connect(): Promise<Client> {
    const client = new Client({ connectionString: this.options.postgresUrl })
    return client.connect().then(() => client)
  }

  /** Inserts one event and gives its id. */
  async insert(aggregateId: string, payload: object = {}, client: Client = this.sql): Promise<string> {
    const id = newId()
    await client.query(`INSERT INTO outbox_event VALUES ($1, 'order', $2, 'OrderCreated', $3)`, [
      id,
      aggregateId,
      JSON.stringify(payload),
    ])
    return id
  }

  /** Inserts many in one transaction, keys in turn, and gives their ids in order. */
  async insertMany(count: number, keys = 7): Promise<string[]> {
    const ids = Array.from({ length: count }, () => newId())
    await this.sql.query(
      `INSERT INTO outbox_event SELECT id, 'order', 'key-' || (n % $2), 'OrderCreated', jsonb_build_object('n', n)
       FROM unnest($1::uuid[]) WITH ORDINALITY AS t(id, n) ORDER BY n`,
      [ids, keys],
    )
    return ids
  }

  dependencies(signal: AbortSignal, kafka: Kafka = this.kafka): RelayDependencies & { status: RelayStatus } {
    return {
      kafka,
      codecs: this.codecs(),
      clock: systemClock,
      log: silentLogger,
      signal,
      instanceId: newId(),
      status: newRelayStatus(),
    }
  }

  codecs(): AvroCodecs {
    return new AvroCodecs(httpSchemaRegistry({ baseUrl: this.#servers.registry }))
  }

  start(options: Partial<RelayOptions> = {}): RunningRelay {
    const stopping = new AbortController()
    const dependencies = this.dependencies(stopping.signal)
    const done = runRelay({ ...this.options, ...options }, dependencies)
    done.catch(() => {})
    const relay: RunningRelay = {
      status: dependencies.status,
      done,
      stop: async () => {
        stopping.abort(new Error('test over'))
        await done
      },
    }
    this.#relays.push(relay)
    return relay
  }

  streaming(relay: RunningRelay): Promise<boolean> {
    return until('the relay streams', async () => {
      if (relay.status.state === 'failed') await relay.done
      return relay.status.state === 'streaming'
    })
  }

  /** Everything committed on the topic, per partition in order. */
  async records(): Promise<OutboxRecord[]> {
    const admin = this.kafka.admin()
    if (!(await admin.listTopics()).includes(this.topic)) return []
    const [description] = await admin.describeTopics([this.topic])
    const partitions = Array.from({ length: description?.partitions ?? 0 }, (_, partition) => ({
      topic: this.topic,
      partition,
    }))
    const ends = await admin.listOffsets(partitions, 'latest-committed')
    const codecs = this.codecs()
    const type = outboxType(this.topic)
    await codecs.prepare([type])
    const serde = codecs.serde(type)
    const reader = this.kafka.reader()
    reader.assign(partitions.map(partition => ({ ...partition, offset: 0 })))
    const found: OutboxRecord[] = []
    while (ends.some(end => (reader.position(end) ?? 0) < end.offset))
      for (const record of await reader.poll(5_000, 200))
        if (record.value !== null) {
          await codecs.load(codecs.missingIds([record.value]))
          found.push({ ...record, envelope: serde.decode(record.value) })
        }
    await reader.close()
    return found
  }

  async ids(): Promise<string[]> {
    return (await this.records()).map(record => record.envelope.after?.id ?? '')
  }

  /** Waits until exactly these ids are on the topic, and none twice. */
  async arrived(ids: readonly string[]): Promise<OutboxRecord[]> {
    const wanted = [...ids].sort()
    return until(`${ids.length} events on ${this.topic}`, async () => {
      const records = await this.records()
      if (records.length < wanted.length) return false
      const got = records.map(record => record.envelope.after?.id ?? '').sort()
      if (got.length !== wanted.length || got.some((id, index) => id !== wanted[index]))
        throw new Error(
          `${got.length} events on the topic, of which ${new Set(got).size} differ; expected ${wanted.length}`,
        )
      return records
    })
  }

  async confirmedLsn(): Promise<string> {
    const result = await this.sql.query<{ lsn: string }>(
      'SELECT confirmed_flush_lsn::text AS lsn FROM pg_replication_slots WHERE slot_name = $1',
      [this.name],
    )
    return result.rows[0]?.lsn ?? ''
  }

  async close(): Promise<void> {
    for (const relay of this.#relays) await relay.stop().catch(() => {})
    await this.kafka
      .admin()
      .deleteTopics([this.topic, `${this.name}-position`])
      .catch(() => {})
    await this.kafka.close()
    await this.sql.query(
      'SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1 AND NOT active',
      [this.name],
    )
    await this.sql.end()
    const root = new Client({ connectionString: this.#servers.postgres })
    await root.connect()
    await root.query(`DROP DATABASE IF EXISTS ${this.name} WITH (FORCE)`)
    await root.end()
  }
}
