import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { topicOf } from '../../src/check/evidence.ts'
import { runCheck } from '../../src/check/run-check.ts'
import { waitForQuiescence } from '../../src/check/wait-for-quiescence.ts'
import type { OrderSystem } from '../../src/cli/demo/system.ts'
import { migrateServers } from '../../src/cli/migrate.ts'
import { systemClock } from '../../src/core/clock.ts'
import { connectKafka } from '../../src/kafka/platformatic.ts'
import type { Kafka } from '../../src/kafka/types.ts'
import { createShopClient, isRecord } from '../../src/orders/client.ts'
import { connectorSettings, documentedSettings, prepareDebezium, startDebezium } from './support/debezium.ts'
import type { ConnectorSettings, RunningDebezium } from './support/debezium.ts'
import { readFlat } from './support/flat-records.ts'
import { until } from './support/relay-fixture.ts'
import { checkTargets, stackConfig, startSystem } from './support/system.ts'

// The order system with Debezium in the relay's place: handed over under load, killed, restarted, and handed back.

const peer = await prepareDebezium()
const reason = 'missing' in peer ? ` (skipped: ${peer.missing})` : ''
const run = randomUUID().slice(0, 8)
const skus = Array.from({ length: 8 }, (_, index) => `debezium-${run}-${index}`)
const ordersPerPhase = 60
const inFlight = 8
const slot = documentedSettings()['slot.name']
const publication = `everything_${run}`

describe.skipIf('missing' in peer)(`Debezium in the relay's place${reason}`, () => {
  const shop = createShopClient({ apiUrl: stackConfig.apiUrl, clock: systemClock, retryForMs: 60_000 })
  const accepted: string[] = []
  let system: OrderSystem
  let sql: Client
  let kafka: Kafka
  let folder: string
  let debezium: RunningDebezium | undefined

  const start = async (changes: ConnectorSettings = {}): Promise<void> => {
    if ('missing' in peer) return
    const servers = { postgres: stackConfig.postgresUrl, registry: stackConfig.registryUrl }
    debezium = startDebezium(peer, connectorSettings(servers, changes), {
      kafka: stackConfig.kafkaBrokers.join(','),
      folder,
    })
    await debezium.started()
  }
  const stop = async (signal: 'SIGTERM' | 'SIGKILL'): Promise<void> => {
    await debezium?.stop(signal)
    debezium = undefined
    // Postgres notices a killed reader a little later, and refuses the next one until then.
    await until('nobody reads from the slot', async () => {
      const { rows } = await sql.query<{ active: boolean }>(
        'SELECT active FROM pg_replication_slots WHERE slot_name = $1',
        [slot],
      )
      return rows.every(row => !row.active)
    })
  }
  const stopRelay = async (): Promise<void> => system.processes.get('relay')?.stop()

  /** Orders from several clients; what is due happens while they go on, by the number of answers. */
  const load = async (phase: number, events: ReadonlyMap<number, () => Promise<void>>): Promise<void> => {
    let [next, answered] = [0, 0]
    const happening: Promise<void>[] = []
    const client = async (): Promise<void> => {
      while (next < ordersPerPhase) {
        const number = next++
        const lines = [number % skus.length, (number * 3 + 1) % skus.length]
          .filter((sku, index, all) => all.indexOf(sku) === index)
          .map(sku => ({ sku: skus[sku], quantity: 1 + (number % 2), unitPriceMinor: 250 }))
        const { status, body } = await shop({
          method: 'POST',
          path: '/orders',
          body: { customerId: 'c-1', lines },
          idempotencyKey: `debezium-${run}-${phase}-${number}`,
        })
        expect(status).toBe(201)
        accepted.push(isRecord(body) ? String(body['id']) : '')
        answered += 1
        const due = events.get(answered)
        if (due === undefined) continue
        const happens = due()
        happens.catch(() => {})
        happening.push(happens)
      }
    }
    await Promise.all(Array.from({ length: inFlight }, client))
    await Promise.all(happening)
    expect(happening).toHaveLength(events.size)
  }

  /** What is not as it should be once nothing is under way any more. */
  const faults = async (): Promise<unknown[]> => {
    await waitForQuiescence({ ...checkTargets, timeoutMs: 60_000 })
    const { rows } = await sql.query(
      'SELECT status, count(*)::int AS count FROM orders WHERE id = ANY($1::uuid[]) GROUP BY status',
      [accepted],
    )
    const { invariants } = await runCheck(checkTargets)
    const areConfirmed = isDeepStrictEqual(rows, [{ status: 'confirmed', count: accepted.length }])
    return [...(areConfirmed ? [] : rows), ...invariants.filter(({ ok }) => !ok)]
  }

  beforeAll(async () => {
    if ('missing' in peer) return
    await migrateServers(stackConfig, 1)
    folder = await mkdtemp(join(tmpdir(), 'sluice-debezium-'))
    kafka = connectKafka({ brokers: stackConfig.kafkaBrokers, clientId: 'debezium-test' })
    sql = new Client({ connectionString: stackConfig.postgresUrl })
    await sql.connect()
    // Before there is a slot: Postgres 18 passes silently over what was written before a publication was made.
    await sql.query(`CREATE PUBLICATION ${publication} FOR TABLE outbox_event`)
    system = await startSystem()
    for (const sku of skus)
      await shop({
        method: 'POST',
        path: `/stock/${sku}/adjustments`,
        body: { quantity: 10_000, reason: 'initial' },
        idempotencyKey: `initial-${sku}`,
      })
    for (const sku of skus)
      await until(
        `${sku} is stocked`,
        async () => (await shop({ method: 'GET', path: `/stock/${sku}` })).status === 200,
      )
  })

  afterAll(async () => {
    await debezium?.stop()
    await system?.stop()
    if (sql === undefined) return
    await sql.query(`DROP PUBLICATION IF EXISTS ${publication}`)
    await sql.query(
      'SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1',
      [slot],
    )
    await sql.end()
    await kafka.close()
    await rm(folder, { recursive: true, force: true })
  })

  test(
    'takes over under load, is killed and goes on, and every book balances',
    { timeout: 240_000 },
    async () => {
      await load(1, new Map([[ordersPerPhase / 2, stopRelay]]))
      // With what the relay has left and what it has sent: the snapshot repeats the latter.
      await start()
      await load(
        2,
        new Map([
          [
            ordersPerPhase / 2,
            async () => {
              await stop('SIGKILL')
              await start({ 'publication.name': publication, 'tombstones.on.delete': 'true' })
            },
          ],
        ]),
      )
      expect(await faults()).toEqual([])
    },
  )

  test('what it tells of pruned rows is passed over', { timeout: 240_000 }, async () => {
    const { rowCount } = await sql.query('DELETE FROM outbox_event')
    const deletions = await until('the deletions are on the topic', async () => {
      const records = await readFlat(kafka, stackConfig.registryUrl, topicOf.outbox)
      const found = records.filter(record => record.fields['op'] === 'd' || record.value === null)
      return found.length >= 2 * (rowCount ?? 0) && found
    })
    expect(deletions.some(record => record.value === null)).toBe(true)
    await load(3, new Map())
    expect(await faults()).toEqual([])
  })

  test('hands back to the relay under load', { timeout: 240_000 }, async () => {
    await load(
      4,
      new Map([
        [
          ordersPerPhase / 3,
          async () => {
            system.restart('relay')
          },
        ],
        // So that both write for a while.
        [(2 * ordersPerPhase) / 3, () => stop('SIGTERM')],
      ]),
    )
    expect(await faults()).toEqual([])
    // Without this the test would prove nothing: both have written, and both have repeated what the other wrote.
    const records = await readFlat(kafka, stackConfig.registryUrl, topicOf.outbox)
    const writersOf = Map.groupBy(records, record => record.fields['after.id'])
    const copied = [...writersOf].filter(
      ([id, copies]) =>
        id !== undefined && new Set(copies.map(copy => copy.fields['source.version'])).size === 2,
    )
    const ofPhase = (from: number): number =>
      copied.filter(([, copies]) =>
        accepted
          .slice(from * ordersPerPhase, (from + 1) * ordersPerPhase)
          .includes(String(copies[0]?.fields['after.aggregateid'])),
      ).length
    expect([0, 1, 2].map(ofPhase).every(count => count > 0)).toBe(true)
  })
})
