import type { Cassandra } from '../../cassandra/client.ts'
import { SluiceError } from '../../core/errors.ts'

/** What the keyspace is to be. */
export interface CassandraMigrationOptions {
  /** Connected without a keyspace, since it may not exist yet. */
  readonly cassandra: Cassandra
  /** Lower case letters, digits and underscores; at most 48. */
  readonly keyspace: string
  readonly datacenter: string
  /** Copies of every row; 3 wherever one node may fail. */
  readonly replicationFactor: number
}

/** The tables that are read, and that a replay can build anew in a keyspace of its own. */
export const viewTables = (keyspace: string): string[] => [
  `CREATE TABLE IF NOT EXISTS ${keyspace}.stock_state (
     sku text PRIMARY KEY, on_hand bigint, reserved bigint, sold bigint, version bigint, updated_at timestamp)`,
  `CREATE TABLE IF NOT EXISTS ${keyspace}.stock_update (
     sku text, bucket text, version bigint, event_id uuid, order_id uuid, type text, quantity bigint,
     on_hand bigint, reserved bigint, sold bigint, at timestamp,
     PRIMARY KEY ((sku, bucket), version)) WITH CLUSTERING ORDER BY (version DESC)`,
]

/**
 * The statements of a keyspace, in order; each changes nothing where it has been run before.
 *
 * Conditional writes go only to `stock`, counters only to `stock_counter`, plain writes only to the others: Cassandra gives
 * no guarantee where they mix.
 */
export const cassandraSchema = (
  keyspace: string,
  datacenter: string,
  replicationFactor: number,
): string[] => [
  `CREATE KEYSPACE IF NOT EXISTS ${keyspace} WITH replication =
     {'class': 'NetworkTopologyStrategy', '${datacenter.replaceAll("'", "''")}': ${replicationFactor}}`,
  // settled_by: the ledger version that ended the row, by which a repeated settlement knows its own mark.
  `CREATE TABLE IF NOT EXISTS ${keyspace}.stock (
     sku text, generation int, entry text,
     available bigint static, version bigint static, mode text static, settled_version bigint static,
     adjusted bigint static, sold bigint static, "entries" int static, closed boolean static,
     kind text, quantity bigint, state text, settled_by bigint, at timestamp,
     PRIMARY KEY ((sku, generation), entry))`,
  `CREATE TABLE IF NOT EXISTS ${keyspace}.stock_generation (sku text PRIMARY KEY, generation int)`,
  `CREATE TABLE IF NOT EXISTS ${keyspace}.stock_counter (sku text PRIMARY KEY, available counter)`,
  // Rows live for seconds and are deleted one by one; the short grace keeps the reaper from walking their tombstones.
  `CREATE TABLE IF NOT EXISTS ${keyspace}.reservation_intent (
     bucket timestamp, order_id text, skus frozen<list<text>>, created_at timestamp,
     PRIMARY KEY (bucket, order_id)) WITH gc_grace_seconds = 86400`,
  `CREATE TABLE IF NOT EXISTS ${keyspace}.reservation_reaper (name text PRIMARY KEY, bucket timestamp)`,
  ...viewTables(keyspace),
  // Which keyspace's views are read, and which are kept up to date (docs/replay.md).
  `CREATE TABLE IF NOT EXISTS ${keyspace}.view_routing (name text PRIMARY KEY, active text, attached set<text>)`,
]

/**
 * Creates the keyspace and its tables, or changes nothing where they exist.
 *
 * Rejects with `SLUICE_MIGRATE_KEYSPACE` for a name that cannot be a keyspace's, and `SLUICE_CASSANDRA_*`.
 *
 * @example await migrateCassandra({ cassandra, keyspace: 'sluice', datacenter: 'datacenter1', replicationFactor: 1 })
 */
export const migrateCassandra = async (options: CassandraMigrationOptions): Promise<void> => {
  const { cassandra, keyspace, datacenter, replicationFactor } = options
  if (!/^[a-z][a-z0-9_]{0,47}$/.test(keyspace)) {
    throw new SluiceError({
      code: 'SLUICE_MIGRATE_KEYSPACE',
      message: `'${keyspace}' cannot name a keyspace`,
      remedy: 'use lower case letters, digits and underscores, a letter first, at most 48 characters',
      details: { keyspace },
    })
  }
  for (const statement of cassandraSchema(keyspace, datacenter, replicationFactor))
    await cassandra.define(statement)
}
