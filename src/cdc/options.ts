import type { AvroCodecs } from '../codec/avro-codecs.ts'
import type { Clock } from '../core/clock.ts'
import type { CrashPoints } from '../core/crash-points.ts'
import { SluiceError } from '../core/errors.ts'
import type { Logger } from '../core/log.ts'
import type { Kafka } from '../kafka/types.ts'

export interface RelayOptions {
  readonly postgresUrl: string
  /** Transactional id, and `<name>-position` is the position topic. Default `sluice-relay`. */
  readonly name?: string
  /** Default `sluice_outbox`. */
  readonly slot?: string
  /** Default `sluice_outbox`. */
  readonly publication?: string
  /** Schema and table of the outbox. Default `public.outbox_event`. */
  readonly table?: string
  /** Prefix of the topic `<prefix>.<schema>.<table>`, Debezium's `topic.prefix`. Default `shop`. */
  readonly prefix?: string
  /** Partitions and replicas of the topic where it has to be created. Default 4 and the broker's. */
  readonly partitions?: number
  readonly replicas?: number
  /** Records in one Kafka transaction at most. Default 2,000. */
  readonly maxRecords?: number
  /** Payload bytes in one Kafka transaction at most. Default 4 MiB. */
  readonly maxBytes?: number
  /** How often the state is reported to Postgres; must be well below its wal_sender_timeout. Default 10,000. */
  readonly statusIntervalMs?: number
  /** Kafka's limit for one transaction. Default 60,000. */
  readonly transactionTimeoutMs?: number
  /** First wait before trying again; doubles up to 15 s. Default 250. */
  readonly backoffMs?: number
  /** Deletes outbox rows this long after they were seen on the topic. Default: never. */
  readonly pruneAfterMs?: number
}

export interface RelayDependencies {
  readonly kafka: Kafka
  readonly codecs: AvroCodecs
  readonly clock: Clock
  readonly log: Logger
  /** Aborting it stops the relay gracefully. */
  readonly signal: AbortSignal
  /** Names this process in the position topic; a random id. */
  readonly instanceId: string
  /** Counters for metrics, kept up to date while the relay runs. */
  readonly status?: RelayStatus
  readonly crash?: CrashPoints | undefined
}

/** What a relay is doing, for metrics and `--json`. */
export interface RelayStatus {
  state: 'starting' | 'snapshot' | 'streaming' | 'waiting' | 'stopped' | 'failed'
  eventsSent: number
  kafkaTransactions: number
  /** Sessions that failed and were begun again. */
  restarts: number
  prunedRows: number
  /** LSN up to which Postgres may forget. */
  confirmedLsn: string | undefined
  /** Log that Postgres keeps for the slot. */
  slotLagBytes: number | undefined
  /** Milliseconds from commit in Postgres to commit in Kafka, of the last record. */
  lastDelayMs: number | undefined
  lastError: string | undefined
}

export const newRelayStatus = (): RelayStatus => ({
  state: 'starting',
  eventsSent: 0,
  kafkaTransactions: 0,
  restarts: 0,
  prunedRows: 0,
  confirmedLsn: undefined,
  slotLagBytes: undefined,
  lastDelayMs: undefined,
  lastError: undefined,
})

/** The options with every default filled in. */
export interface RelaySettings extends Required<Omit<RelayOptions, 'pruneAfterMs' | 'replicas' | 'table'>> {
  readonly schema: string
  readonly table: string
  readonly topic: string
  readonly positionTopic: string
  readonly replicas: number | undefined
  readonly pruneAfterMs: number | undefined
}

/** Errors: `SLUICE_RELAY_OPTION_INVALID` for names that cannot be quoted safely. */
export const relaySettings = (options: RelayOptions): RelaySettings => {
  const name = options.name ?? 'sluice-relay'
  const [schema = '', table = '', ...more] = (options.table ?? 'public.outbox_event').split('.')
  const prefix = options.prefix ?? 'shop'
  const settings = {
    postgresUrl: options.postgresUrl,
    name,
    slot: options.slot ?? 'sluice_outbox',
    publication: options.publication ?? 'sluice_outbox',
    schema,
    table,
    prefix,
    topic: `${prefix}.${schema}.${table}`,
    positionTopic: `${name}-position`,
    partitions: options.partitions ?? 4,
    replicas: options.replicas,
    maxRecords: options.maxRecords ?? 2_000,
    maxBytes: options.maxBytes ?? 4_194_304,
    statusIntervalMs: options.statusIntervalMs ?? 10_000,
    transactionTimeoutMs: options.transactionTimeoutMs ?? 60_000,
    backoffMs: options.backoffMs ?? 250,
    pruneAfterMs: options.pruneAfterMs,
  }
  // These go into replication commands, where parameters do not exist.
  for (const part of ['slot', 'publication', 'schema', 'table'] as const)
    if (!/^[a-z_][a-z0-9_]{0,62}$/.test(settings[part])) throw invalidOption(part, settings[part])
  if (more.length > 0) throw invalidOption('table', options.table ?? '')
  return settings
}

const invalidOption = (option: string, value: string): SluiceError =>
  new SluiceError({
    code: 'SLUICE_RELAY_OPTION_INVALID',
    message: `the relay's ${option} is '${value}'`,
    remedy: 'use lower-case letters, digits and underscores, at most 63, and a table as schema.table',
    details: { option, value },
  })
