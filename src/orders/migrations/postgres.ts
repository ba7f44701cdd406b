import { createHash } from 'node:crypto'
import { readFile, readdir } from 'node:fs/promises'
import { Client } from 'pg'
import { SluiceError, messageOf } from '../../core/errors.ts'

/** What a run of the migrations did, by file name. */
export interface MigrationReport {
  readonly applied: readonly string[]
  readonly present: readonly string[]
}

const folder = new URL('./sql/', import.meta.url)
/** Any number will do, as long as every process that migrates this database takes the same. */
const advisoryLock = 7_358_460

const ledgerTable = `CREATE TABLE IF NOT EXISTS schema_migration (
  name text PRIMARY KEY, sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`

const migrationsOf = async (): Promise<readonly { name: string; sql: string; sha256: string }[]> => {
  const names = (await readdir(folder)).filter(name => name.endsWith('.sql')).sort()
  return Promise.all(
    names.map(async name => {
      const sql = await readFile(new URL(name, folder), 'utf8')
      return { name, sql, sha256: createHash('sha256').update(sql).digest('hex') }
    }),
  )
}

/**
 * Brings the database of `url` to the current tables and the publication `sluice_outbox`. Safe to run again and by several
 * processes at once: each numbered file is applied once, in one transaction, under an advisory lock.
 *
 * Rejects with `SLUICE_MIGRATE_CHANGED` when a file differs from what was applied, `SLUICE_MIGRATE_FAILED` otherwise.
 *
 * @example await migratePostgres('postgres://localhost/shop') // { applied: ['001-orders.sql', …], present: [] }
 */
export const migratePostgres = async (url: string): Promise<MigrationReport> => {
  const client = new Client({ connectionString: url, application_name: 'sluice-migrate' })
  client.on('error', () => {})
  const applied: string[] = []
  const present: string[] = []
  try {
    await client.connect()
    await client.query('SELECT pg_advisory_lock($1)', [advisoryLock])
    await client.query(ledgerTable)
    const known = await client.query<{ name: string; sha256: string }>(
      'SELECT name, sha256 FROM schema_migration',
    )
    const hashes = new Map(known.rows.map(row => [row.name, row.sha256]))
    for (const migration of await migrationsOf()) {
      const hash = hashes.get(migration.name)
      if (hash === migration.sha256) {
        present.push(migration.name)
        continue
      }
      if (hash !== undefined) throw changed(migration.name)
      await client.query('BEGIN')
      await client.query(migration.sql)
      await client.query('INSERT INTO schema_migration (name, sha256) VALUES ($1, $2)', [
        migration.name,
        migration.sha256,
      ])
      await client.query('COMMIT')
      applied.push(migration.name)
    }
    return { applied, present }
  } catch (error) {
    if (error instanceof SluiceError) throw error
    throw new SluiceError({
      code: 'SLUICE_MIGRATE_FAILED',
      message: `the Postgres migrations failed after ${applied.length} files: ${messageOf(error)}`,
      remedy:
        'check that Postgres is reachable and the user may create tables and publications, then run it again',
      cause: error,
    })
  } finally {
    // Ending the session also gives back the advisory lock and rolls back what is open.
    await client.end().catch(() => {})
  }
}

const changed = (name: string): SluiceError =>
  new SluiceError({
    code: 'SLUICE_MIGRATE_CHANGED',
    message: `migration ${name} was changed after it had been applied to this database`,
    remedy: 'restore the file and put the change into a new numbered file',
    details: { name },
  })
