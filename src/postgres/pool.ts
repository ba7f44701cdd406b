import { Pool, TypeOverrides } from 'pg'
import type { PoolClient, QueryResultRow } from 'pg'
import { SluiceError, messageOf } from '../core/errors.ts'
import type { Logger } from '../core/log.ts'
import { classifyPostgres } from './classify.ts'
import type { PostgresFault } from './classify.ts'

/** A statement the server parses once per connection; the name must change when the text does. */
export interface Statement {
  readonly name: string
  readonly text: string
}

/**
 * A pool of connections that runs single statements, each its own transaction.
 *
 * Rejects with `SLUICE_POSTGRES_UNAVAILABLE`, `_BUSY`, `_CONFLICT` or `_REFUSED`; `details.outcome` is `unknown` where the
 * statement may have been committed although no answer came.
 */
export interface Postgres {
  query<Row>(statement: Statement, values: readonly unknown[]): Promise<readonly Row[]>
  /** Resolves when the server answers a trivial statement. */
  ping(): Promise<void>
  /** True after a failure to reach the server, until something has succeeded again. */
  readonly suspect: boolean
  close(): Promise<void>
}

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database`. */
  readonly url: string
  /** Default 20. */
  readonly maxConnections?: number
  /** How long a caller waits for a connection, default 2,000 ms. */
  readonly connectTimeoutMs?: number
  /** How long the server works on a statement before it gives up, default 10,000 ms. */
  readonly statementTimeoutMs?: number
  readonly applicationName?: string
  readonly log: Logger
}

const codes: Readonly<Record<PostgresFault, { readonly code: string; readonly remedy: string }>> = {
  unavailable: {
    code: 'SLUICE_POSTGRES_UNAVAILABLE',
    remedy: 'check that Postgres runs and SLUICE_POSTGRES_URL is right',
  },
  busy: {
    code: 'SLUICE_POSTGRES_BUSY',
    remedy: 'try again; if it stays, add connections or relieve the server',
  },
  conflict: { code: 'SLUICE_POSTGRES_CONFLICT', remedy: 'try again' },
  refused: { code: 'SLUICE_POSTGRES_REFUSED', remedy: 'run `sluice migrate`; if it stays, report a bug' },
}

const wrap = (error: unknown, statement: string, sent: boolean): SluiceError => {
  const failure = classifyPostgres(error, sent)
  return new SluiceError({
    code: codes[failure.fault].code,
    message: `Postgres ${failure.fault} at statement ${statement}: ${messageOf(error)}`,
    remedy: codes[failure.fault].remedy,
    reaction: failure.fault === 'refused' ? 'stop' : 'retry',
    details: { statement, outcome: failure.outcome, sqlState: failure.sqlState },
    cause: error,
  })
}

const types = new TypeOverrides()
const int8 = 20
// Every bigint of ours is bounded by validation below 2^53.
types.setTypeParser(int8, Number)

/**
 * Opens a pool; connections are made when first needed.
 *
 * @example const postgres = createPostgres({ url: 'postgres://localhost/shop', log })
 */
export const createPostgres = (options: PostgresOptions): Postgres => {
  const pool = new Pool({
    connectionString: options.url,
    max: options.maxConnections ?? 20,
    connectionTimeoutMillis: options.connectTimeoutMs ?? 2_000,
    statement_timeout: options.statementTimeoutMs ?? 10_000,
    // Only for a server that no longer answers at all: its own timeout says more.
    query_timeout: (options.statementTimeoutMs ?? 10_000) + 2_000,
    keepAlive: true,
    application_name: options.applicationName ?? 'sluice',
    types,
  })
  let suspect = false
  // An idle connection's error is emitted here, and would end the process without a listener.
  pool.on('error', error => {
    suspect = true
    options.log.warn({ error: error.message }, 'an idle connection to Postgres was lost')
  })

  // The same of a connection in use, whose statement is rejected besides.
  pool.on('connect', client => client.on('error', () => {}))

  const connect = async (name: string): Promise<PoolClient> => {
    try {
      return await pool.connect()
    } catch (error) {
      suspect = true
      throw wrap(error, name, false)
    }
  }

  const query = async <Row>(statement: Statement, values: readonly unknown[]): Promise<readonly Row[]> => {
    const client = await connect(statement.name)
    try {
      const result = await client.query<Row & QueryResultRow>({ ...statement, values: [...values] })
      client.release()
      suspect = false
      return result.rows
    } catch (error) {
      const wrapped = wrap(error, statement.name, true)
      const lost = wrapped.code === 'SLUICE_POSTGRES_UNAVAILABLE' || wrapped.details['outcome'] === 'unknown'
      if (lost) suspect = true
      // A connection whose answer is still outstanding must not be handed to anybody else.
      client.release(lost)
      throw wrapped
    }
  }

  return {
    query,
    ping: async () => {
      await query({ name: 'ping', text: 'SELECT 1' }, [])
    },
    get suspect() {
      return suspect
    },
    close: () => pool.end(),
  }
}
