import { connectCassandra } from '../cassandra/client.ts'
import type { Cassandra } from '../cassandra/client.ts'
import { httpSchemaRegistry } from '../codec/http-registry.ts'
import type { SchemaRegistry } from '../codec/registry.ts'
import type { CrashPoints } from '../core/crash-points.ts'
import type { Logger } from '../core/log.ts'
import { connectKafka } from '../kafka/platformatic.ts'
import type { Kafka } from '../kafka/types.ts'
import { createPostgres } from '../postgres/pool.ts'
import type { Postgres } from '../postgres/pool.ts'
import type { Config } from './config.ts'

/** The settings that say where each server is. */
export type ServerConfig = Pick<
  Config,
  | 'postgresUrl'
  | 'kafkaBrokers'
  | 'cassandraContactPoints'
  | 'cassandraDatacenter'
  | 'registryUrl'
  | 'keyspace'
>

/** All of them, for `loadConfig`. */
export const serverSettings = [
  'postgresUrl',
  'kafkaBrokers',
  'cassandraContactPoints',
  'cassandraDatacenter',
  'registryUrl',
  'keyspace',
] as const satisfies readonly (keyof ServerConfig)[]

/** What a process that runs workers has to know besides. */
export const workerSettings = ['sessionTimeoutMs'] as const satisfies readonly (keyof Config)[]

/** A pool of connections to Postgres; nothing is connected before the first statement. */
export const openPostgres = (config: Pick<ServerConfig, 'postgresUrl'>, log: Logger): Postgres =>
  createPostgres({ url: config.postgresUrl, log })

/** Cassandra with the project's keyspace, or without one where it is yet to be created. */
export const openCassandra = (
  config: Pick<ServerConfig, 'cassandraContactPoints' | 'cassandraDatacenter' | 'keyspace'>,
  options: { readonly withKeyspace?: boolean; readonly requestTimeoutMs?: number } = {},
): Promise<Cassandra> =>
  connectCassandra({
    contactPoints: config.cassandraContactPoints.join(','),
    datacenter: config.cassandraDatacenter,
    ...(options.withKeyspace === false ? {} : { keyspace: config.keyspace }),
    ...(options.requestTimeoutMs === undefined ? {} : { requestTimeoutMs: options.requestTimeoutMs }),
  })

/** The schema registry. */
export const openRegistry = (config: Pick<ServerConfig, 'registryUrl'>): SchemaRegistry =>
  httpSchemaRegistry({ baseUrl: config.registryUrl })

/** Kafka under a client id that its own logs and quotas will show. */
export const openKafka = (
  config: Pick<ServerConfig, 'kafkaBrokers'>,
  clientId: string,
  crash?: CrashPoints,
): Kafka => connectKafka({ brokers: config.kafkaBrokers, clientId }, { crash })
