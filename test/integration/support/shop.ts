import { randomBytes } from 'node:crypto'
import { Client } from 'pg'
import { connectCassandra } from '../../../src/cassandra/client.ts'
import type { Cassandra } from '../../../src/cassandra/client.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { silentLogger } from '../../../src/core/log.ts'
import { createAdjustmentsRepository } from '../../../src/orders/adjustments-repository.ts'
import { runOrderService } from '../../../src/orders/http/run.ts'
import type { RunOrderServiceOptions, RunningOrderService } from '../../../src/orders/http/run.ts'
import { migrateCassandra } from '../../../src/orders/migrations/cassandra.ts'
import { migratePostgres } from '../../../src/orders/migrations/postgres.ts'
import { createOrdersRepository } from '../../../src/orders/orders-repository.ts'
import { reapOnce } from '../../../src/orders/reaper.ts'
import type { ReapReport } from '../../../src/orders/reaper.ts'
import { createReservationIntents } from '../../../src/orders/reservation/intents.ts'
import type { StockRow } from '../../../src/orders/reservation/partition.ts'
import { createReservations } from '../../../src/orders/reservation/reservations.ts'
import { createStockStore } from '../../../src/orders/reservation/store.ts'
import { createStockReader } from '../../../src/orders/stock-reader.ts'
import { createPostgres } from '../../../src/postgres/pool.ts'

/** Where a shop's servers are; what a service in a process of its own is started with. */
export interface ShopAddresses {
  readonly postgres: string
  readonly cassandra: string
  readonly datacenter: string
  readonly keyspace: string
}

/** Starts an order service on real adapters; `tune` may replace any of them. */
export const startService = async (
  addresses: ShopAddresses,
  tune: Partial<RunOrderServiceOptions> = {},
): Promise<RunningOrderService> => {
  const log = tune.log ?? silentLogger
  const postgres = createPostgres({ url: addresses.postgres, log })
  const cassandra = await connectCassandra({
    contactPoints: addresses.cassandra,
    datacenter: addresses.datacenter,
    keyspace: addresses.keyspace,
  })
  return runOrderService({
    port: 0,
    postgres,
    reservations: createReservations({ cassandra, clock: systemClock, log }),
    intents: createReservationIntents({ cassandra }),
    stockReader: createStockReader(cassandra, systemClock),
    clock: systemClock,
    log,
    reaper: false,
    signals: false,
    onStopped: async () => {
      await Promise.all([postgres.close(), cassandra.close()])
    },
    ...tune,
  })
}

/** What a SKU's partition holds: the units that can be sold, and the rows that hold others. */
interface StockContent {
  readonly available: number
  readonly rows: readonly StockRow[]
  /** Units of the rows that are held. */
  readonly held: number
}

/** A database and a keyspace of its own on the shared servers, with what tests want to look at. */
export interface Shop {
  readonly addresses: ShopAddresses
  readonly sql: Client
  readonly cassandra: Cassandra
  /** Stocks a SKU as settlement does with its first adjustment. */
  stock(sku: string, units: number): Promise<void>
  content(sku: string): Promise<StockContent>
  intents(): Promise<number>
  start(tune?: Partial<RunOrderServiceOptions>): Promise<RunningOrderService>
  /** One walk of a reaper that regards every intent as old. */
  reap(): Promise<ReapReport>
  close(): Promise<void>
}

export const openShop = async (servers: Omit<ShopAddresses, 'keyspace'>): Promise<Shop> => {
  const name = `shop_${randomBytes(5).toString('hex')}`
  const url = new URL(servers.postgres)
  url.pathname = `/${name}`
  const addresses = { ...servers, postgres: url.href, keyspace: name }
  const { datacenter } = servers

  const admin = new Client({ connectionString: servers.postgres })
  await admin.connect()
  await admin.query(`CREATE DATABASE ${name}`)
  await migratePostgres(addresses.postgres)
  const sql = new Client({ connectionString: addresses.postgres })
  await sql.connect()

  const bare = await connectCassandra({
    contactPoints: servers.cassandra,
    datacenter,
    // Changes of the schema take long on a busy machine.
    requestTimeoutMs: 60_000,
  })
  await migrateCassandra({ cassandra: bare, keyspace: name, datacenter, replicationFactor: 1 })
  const cassandra = await connectCassandra({ contactPoints: servers.cassandra, datacenter, keyspace: name })
  const store = createStockStore(cassandra, systemClock)
  const intents = createReservationIntents({ cassandra })
  const reservations = createReservations({ cassandra, clock: systemClock, log: silentLogger })
  const postgres = createPostgres({ url: addresses.postgres, log: silentLogger, maxConnections: 4 })
  const running: RunningOrderService[] = []

  return {
    addresses,
    sql,
    cassandra,
    stock: async (sku, units) => {
      await store.open({
        sku,
        generation: 0,
        available: units,
        version: 1,
        mode: 'lwt',
        settledVersion: 1,
        adjusted: units,
        sold: 0,
        entries: 0,
        closed: false,
      })
    },
    content: async sku => {
      const rows: StockRow[] = []
      for await (const row of store.rows(sku, 0)) rows.push(row)
      const { partition } = await store.read(sku, 0, [], 'serial')
      const held = rows.filter(row => row.state === 'held').reduce((sum, row) => sum + row.quantity, 0)
      return { available: partition?.available ?? 0, rows, held }
    },
    intents: async () => {
      const [row] = await cassandra.read(
        { query: 'SELECT count(*) AS intents FROM reservation_intent', params: [] },
        'quorum',
      )
      return Number(row?.['intents'])
    },
    start: async tune => {
      const service = await startService(addresses, tune)
      running.push(service)
      return service
    },
    reap: () =>
      reapOnce({
        intents,
        reservations,
        entries: {
          order: createOrdersRepository(postgres),
          adjustment: createAdjustmentsRepository(postgres),
        },
        clock: systemClock,
        log: silentLogger,
        graceMs: 0,
      }),
    close: async () => {
      for (const service of running) await service.stop()
      await Promise.all([postgres.close(), cassandra.close(), sql.end()])
      await bare.define(`DROP KEYSPACE IF EXISTS ${name}`)
      await bare.close()
      await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
      await admin.end()
    },
  }
}

/** An answer of the service, read whole. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: Readonly<Record<string, unknown>>
}

/** Sends JSON (or a text as it is) over real HTTP. */
export const send = async (
  url: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> => {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Answer['body'],
  }
}

export const get = async (url: string): Promise<Answer> => {
  const response = await fetch(url)
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Answer['body'],
  }
}

/** A valid order of one SKU. */
export const orderOf = (sku: string, quantity = 1) => ({
  customerId: 'c-1',
  lines: [{ sku, quantity, unitPriceMinor: 250 }],
})
