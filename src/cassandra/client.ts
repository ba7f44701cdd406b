import { Client, policies, types } from 'cassandra-driver'
import type { QueryOptions } from 'cassandra-driver'
import { SluiceError } from '../core/errors.ts'
import { createLimiter } from '../core/limited.ts'
import { cassandraError, failureOf } from './classify.ts'
import { keepKnownHosts } from './control-connection.ts'
import type { CassandraRow, CassandraValue } from './values.ts'

/** A prepared statement and its parameters. */
export interface Statement {
  readonly query: string
  readonly params: readonly CassandraValue[]
}

/**
 * `serial` completes a Paxos round in flight before it answers, so it alone resolves an unknown outcome; `quorum` sees
 * everything that has been acknowledged.
 */
export type ReadConsistency = 'serial' | 'quorum'

/** What became of a conditional write. `unknown` is never an error to give up on, but a question to resolve. */
export type ConditionalOutcome =
  | { readonly outcome: 'applied' }
  | { readonly outcome: 'refused'; readonly rows: readonly CassandraRow[] }
  | { readonly outcome: 'unknown'; readonly cause: SluiceError }

/** Everything the project does with Cassandra; rejects with `SLUICE_CASSANDRA_*` errors only. */
export interface Cassandra {
  /** The rows of one query, all pages. `SLUICE_CASSANDRA_UNAVAILABLE` when not answered. */
  read(statement: Statement, consistency: ReadConsistency): Promise<readonly CassandraRow[]>
  /** The rows of one query, page by page, at quorum. */
  scan(statement: Statement, pageRows?: number): AsyncIterable<CassandraRow>
  /** A write that may be repeated at will (fixed id, fixed timestamp); the driver may retry it. */
  write(statement: Statement): Promise<void>
  /** Such writes to one partition, in one mutation. */
  writeBatch(statements: readonly Statement[]): Promise<void>
  /** A conditional write to one partition, sent at most once. Rejects only when it was certainly not executed. */
  conditional(statements: readonly Statement[]): Promise<ConditionalOutcome>
  /** A change of the schema; waits until all nodes agree. */
  define(query: string): Promise<void>
  close(): Promise<void>
}

/** Where Cassandra is, and how patiently it is asked. */
export interface CassandraOptions {
  /** `host:port`, one or several separated by commas. */
  readonly contactPoints: string
  readonly datacenter: string
  /** Must exist (`sluice migrate`); left out only to create it. */
  readonly keyspace?: string
  readonly credentials?: { readonly username: string; readonly password: string }
  /** How long one request may take; above the server's own time limits, since its answer says more. Default 5,000. */
  readonly requestTimeoutMs?: number
  /**
   * How far a condition holds. `cluster` (default) is exact everywhere; `datacenter` is faster over several data centres, and
   * exact only while each SKU is sold in one of them.
   */
  readonly scope?: 'cluster' | 'datacenter'
  /**
   * Conditional writes under way at the same time. More only wait in the server, until it gives up and leaves their outcome
   * unknown: the costliest answer there is. Default 32.
   */
  readonly conditionalInFlight?: number
  /** How long a conditional write may wait to be sent, before `SLUICE_CASSANDRA_UNAVAILABLE`. Default 5,000. */
  readonly conditionalQueueTimeoutMs?: number
}

const noRetry = new policies.retry.FallthroughRetryPolicy()

/**
 * Connects, or rejects with what is wrong with the address, the keyspace or the credentials.
 *
 * @example const cassandra = await connectCassandra({ contactPoints: '127.0.0.1:9042', datacenter: 'datacenter1', keyspace: 'sluice' })
 */
export const connectCassandra = async (options: CassandraOptions): Promise<Cassandra> => {
  const { consistencies } = types
  const wide = options.scope !== 'datacenter'
  const quorum = wide ? consistencies.quorum : consistencies.localQuorum
  const serial = wide ? consistencies.serial : consistencies.localSerial
  const queueTimeoutMs = options.conditionalQueueTimeoutMs ?? 5_000
  const limited = createLimiter(options.conditionalInFlight ?? 32, {
    afterMs: queueTimeoutMs,
    error: () => {
      const cause = new Error(`not sent: others were under way for ${queueTimeoutMs} ms`)
      return cassandraError('conditional write', 'unavailable', cause)
    },
  })
  const client = new Client({
    contactPoints: options.contactPoints.split(',').map(point => point.trim()),
    localDataCenter: options.datacenter,
    ...(options.keyspace === undefined ? {} : { keyspace: options.keyspace }),
    ...(options.credentials === undefined ? {} : { credentials: options.credentials }),
    encoding: { useBigIntAsLong: true },
    socketOptions: { readTimeout: options.requestTimeoutMs ?? 5_000, connectTimeout: 5_000 },
    policies: { reconnection: new policies.reconnection.ExponentialReconnectionPolicy(100, 5_000, false) },
    queryOptions: { consistency: quorum, serialConsistency: serial, prepare: true },
  })
  keepKnownHosts(client)
  const plain: QueryOptions = { prepare: true, consistency: quorum, isIdempotent: true }
  const once: QueryOptions = {
    prepare: true,
    consistency: quorum,
    serialConsistency: serial,
    isIdempotent: false,
    retry: noRetry,
  }
  const orThrow = async <T>(subject: string, request: () => Promise<T>): Promise<T> => {
    try {
      return await request()
    } catch (error) {
      const failure = failureOf(error)
      throw cassandraError(subject, failure === 'unknown' ? 'unavailable' : failure, error)
    }
  }

  await orThrow(
    `connect to ${options.contactPoints}${options.keyspace === undefined ? '' : `, keyspace ${options.keyspace}`}`,
    async () => {
      try {
        await client.connect()
      } catch (error) {
        await client.shutdown().catch(() => {})
        throw error
      }
    },
  )

  return {
    read: ({ query, params }, consistency) =>
      orThrow(`read (${query})`, async () => {
        const rows: CassandraRow[] = []
        const result = await client.execute(query, [...params], {
          ...plain,
          consistency: consistency === 'serial' ? serial : quorum,
        })
        for await (const row of result) rows.push(row)
        return rows
      }),

    async *scan({ query, params }, pageRows = 1_000) {
      const result = await orThrow(`scan (${query})`, () =>
        client.execute(query, [...params], { ...plain, fetchSize: pageRows }),
      )
      const pages = result[Symbol.asyncIterator]()
      for (;;) {
        const next = await orThrow(`scan (${query})`, () => pages.next())
        if (next.done === true) return
        yield next.value
      }
    },

    write: ({ query, params }) =>
      orThrow(`write (${query})`, async () => {
        await client.execute(query, [...params], plain)
      }),

    writeBatch: statements =>
      orThrow(`write (${statements[0]?.query ?? 'nothing'})`, async () => {
        if (statements.length === 0) return
        await client.batch(
          statements.map(({ query, params }) => ({ query, params: [...params] })),
          { ...plain, logged: false },
        )
      }),

    conditional: async statements => {
      const [first] = statements
      if (first === undefined) return { outcome: 'applied' }
      try {
        const result = await limited(() =>
          statements.length === 1
            ? client.execute(first.query, [...first.params], once)
            : client.batch(
                statements.map(({ query, params }) => ({ query, params: [...params] })),
                { ...once, logged: false },
              ),
        )
        return result.wasApplied()
          ? { outcome: 'applied' }
          : { outcome: 'refused', rows: result.rows.map(row => row as CassandraRow) }
      } catch (error) {
        // Given up before it was sent.
        if (error instanceof SluiceError) throw error
        const failure = failureOf(error)
        const wrapped = cassandraError(`conditional write (${first.query})`, failure, error)
        if (failure === 'unknown') return { outcome: 'unknown', cause: wrapped }
        throw wrapped
      }
    },

    define: query =>
      orThrow(`define (${query})`, async () => {
        await client.execute(query, [], { prepare: false })
      }),

    close: () => client.shutdown(),
  }
}
