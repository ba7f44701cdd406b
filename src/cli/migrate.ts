import { openCassandra, openKafka, openRegistry, serverSettings } from '../app/adapters.ts'
import type { ServerConfig } from '../app/adapters.ts'
import { AvroCodecs } from '../codec/avro-codecs.ts'
import { migrateCassandra } from '../orders/migrations/cassandra.ts'
import { migratePostgres } from '../orders/migrations/postgres.ts'
import type { MigrationReport } from '../orders/migrations/postgres.ts'
import type { GraphTopic } from '../streams/dsl/graph.ts'
import { externalTopics } from '../streams/dsl/index.ts'
import { createProgress } from './progress.ts'
import { declaredSchemas } from './schemas/local-schemas.ts'
import { selectTopologies } from './select-topologies.ts'
import { loadSettings } from './settings.ts'

/** What a migration found or made. */
export interface Migration {
  readonly postgres: MigrationReport
  readonly keyspace: string
  readonly topics: readonly string[]
  /** Subjects whose current schema is registered. */
  readonly subjects: readonly string[]
}

/** Brings the four servers that the settings name to what the order system needs. */
export const migrate = async (replication: number): Promise<Migration> => {
  const progress = createProgress()
  try {
    return await migrateServers(await loadSettings(serverSettings), replication, text =>
      progress.update(text),
    )
  } finally {
    progress.end()
  }
}

/** The same for servers given; each step changes nothing where it was done before. */
export const migrateServers = async (
  config: ServerConfig,
  replication: number,
  onStep: (text: string) => void = () => {},
): Promise<Migration> => {
  onStep('postgres: tables and publication')
  const postgres = await migratePostgres(config.postgresUrl)
  onStep('cassandra: keyspace and tables')
  await migrateKeyspace(config, replication)
  const topics = declaredTopics()
  onStep(`kafka: ${topics.length} topics`)
  await createTopics(config, topics, replication)
  onStep('registry: schemas')
  const subjects = await registerSchemas(config)
  return { postgres, keyspace: config.keyspace, topics: topics.map(({ name }) => name), subjects }
}

/** The topics of all topologies, each once. */
const declaredTopics = (): readonly GraphTopic[] => {
  const byName = new Map<string, GraphTopic>()
  for (const topic of selectTopologies([]).flatMap(externalTopics)) byName.set(topic.name, topic)
  return [...byName.values()]
}

/** A change of the schema is agreed on by all nodes first, and writes to disk: on a busy machine that takes long. */
const schemaChangeTimeoutMs = 60_000

const migrateKeyspace = async (config: ServerConfig, replicationFactor: number): Promise<void> => {
  const cassandra = await openCassandra(config, {
    withKeyspace: false,
    requestTimeoutMs: schemaChangeTimeoutMs,
  })
  try {
    const { keyspace, cassandraDatacenter: datacenter } = config
    await migrateCassandra({ cassandra, keyspace, datacenter, replicationFactor })
  } finally {
    await cassandra.close()
  }
}

const createTopics = async (
  config: ServerConfig,
  topics: readonly GraphTopic[],
  replicas: number,
): Promise<void> => {
  const kafka = openKafka(config, 'sluice-migrate')
  const admin = kafka.admin()
  try {
    await admin.ensureTopics(
      topics.map(({ name, partitions = 1, config }) => ({ name, partitions, replicas, config })),
    )
  } finally {
    await admin.close()
    await kafka.close()
  }
}

const registerSchemas = async (config: ServerConfig): Promise<string[]> => {
  const schemas = declaredSchemas()
  await new AvroCodecs(openRegistry(config)).prepare(schemas)
  return schemas.map(({ subject }) => subject)
}

/** A migration as people read it. */
export const renderMigration = ({ postgres, keyspace, topics, subjects }: Migration): string =>
  [
    `postgres   ${postgres.applied.length} migrations applied, ${postgres.present.length} were there`,
    `cassandra  keyspace ${keyspace} is there`,
    `kafka      ${topics.length} topics are there`,
    `registry   ${subjects.length} schemas are registered`,
  ].join('\n')
