import { Client } from 'pg'
import type { Clock } from '../../../src/core/clock.ts'
import { connectKafka } from '../../../src/kafka/platformatic.ts'
import { changelogTopicName } from '../../../src/streams/dsl/graph.ts'
import { topologies } from '../../../topology/index.ts'
import type { SystemConfig } from '../support/system.ts'
import { memoryOf } from './memory-of.ts'
import type { Sample } from './trend.ts'

/** Series by process (or server) and what was measured. */
export type Series = ReadonlyMap<string, readonly Sample[]>

export interface Sampler {
  readonly series: Series
  /** Looks that failed, because a server did not answer. */
  readonly missed: () => number
  stop(): Promise<void>
}

export interface SamplerOptions {
  readonly config: SystemConfig
  readonly memoryFolder: string
  readonly processes: readonly string[]
  readonly intervalMs: number
  readonly clock: Clock
}

const bytesPerMegabyte = 1_048_576

const changelogs = Object.values(topologies).flatMap(topology =>
  topology.subTopologies.flatMap(({ stores }) => stores.map(store => changelogTopicName(topology, store))),
)

/** Samples processes and servers until it is stopped. */
export const startSampler = (options: SamplerOptions): Sampler => {
  const { config, memoryFolder, processes, intervalMs, clock } = options
  const series = new Map<string, Sample[]>()
  const over = new AbortController()
  const kafka = connectKafka(
    { brokers: config.kafkaBrokers, clientId: 'sampler' },
    { operationTimeoutMs: 2_000 },
  )
  const admin = kafka.admin()
  let missed = 0
  const add = (name: string, value: number): void => {
    const samples = series.get(name) ?? []
    series.set(name, samples)
    samples.push({ atMs: clock.now(), value })
  }
  const lookAtProcesses = (): void => {
    for (const name of processes) {
      const last = memoryOf(memoryFolder, name).at(-1)
      for (const [what, value] of Object.entries(last ?? {}))
        if (what !== 'pid') add(`${name}: ${what}`, value)
    }
  }
  const lookAtPostgres = async (): Promise<void> => {
    const client = new Client({ connectionString: config.postgresUrl, query_timeout: 3_000 })
    // Postgres is made to sleep now and then.
    client.on('error', () => undefined)
    try {
      await client.connect()
      const { rows } = await client.query<{ retained: string; orders: number; outbox: number }>(
        `SELECT coalesce(sum(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)), 0)::bigint AS retained,
           (SELECT count(*)::int FROM orders) AS orders, (SELECT count(*)::int FROM outbox_event) AS outbox
         FROM pg_replication_slots`,
      )
      add('postgres: WAL kept for slots MB', Number(rows[0]?.retained) / bytesPerMegabyte)
      add('postgres: orders', rows[0]?.orders ?? 0)
      add('postgres: outbox rows', rows[0]?.outbox ?? 0)
    } finally {
      await client.end().catch(() => undefined)
    }
  }
  const lookAtKafka = async (): Promise<void> => {
    const topics = await admin.describeTopics(changelogs)
    for (const { name, partitions } of topics) {
      const places = Array.from({ length: partitions }, (_, partition) => ({ topic: name, partition }))
      const ends = await admin.listOffsets(places, 'latest-committed')
      add(
        `kafka: ${name} records written`,
        ends.reduce((sum, { offset }) => sum + offset, 0),
      )
    }
  }
  const loop = async (): Promise<void> => {
    while (!over.signal.aborted) {
      lookAtProcesses()
      const looks = await Promise.allSettled([lookAtPostgres(), lookAtKafka()])
      missed += looks.filter(({ status }) => status === 'rejected').length
      await clock.sleep(intervalMs, over.signal).catch(() => {})
    }
  }
  const looping = loop()
  return {
    series,
    missed: () => missed,
    stop: async () => {
      over.abort()
      await looping
      await kafka.close()
    },
  }
}
