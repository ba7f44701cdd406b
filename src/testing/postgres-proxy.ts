import type { Clock } from '../core/clock.ts'
import { addressOf, startFaultProxy } from './fault-proxy.ts'
import type { FaultProxy } from './fault-proxy.ts'
import type { PostgresAnswer } from './postgres/answers.ts'
import { PostgresDialect } from './postgres/dialect.ts'

/**
 * A proxy in front of Postgres; `api` of a rule is `Startup`, `Query` (simple), `Execute` (Parse, Bind, Execute up to Sync),
 * `StandbyStatus`, or of the server `XLogData` and `Keepalive`. A `late` or dropped COMMIT is found by `mentions: 'COMMIT'`.
 */
export type PostgresFaultProxy = FaultProxy<PostgresAnswer> & {
  /** A connection URL with the proxy in the server's place. */
  readonly url: string
}

/**
 * Starts a proxy before a Postgres server. Connections without TLS only are understood.
 *
 * @param url Of the server: `postgres://user:password@host:port/database`.
 * @example
 * const proxy = await startPostgresFaultProxy(url)
 * proxy.inject({ mentions: 'INSERT INTO orders', fault: { kind: 'cut', side: 'reply' } })
 * const pool = new Pool({ connectionString: proxy.url })
 */
export const startPostgresFaultProxy = async (url: string, clock?: Clock): Promise<PostgresFaultProxy> => {
  const target = new URL(url)
  const proxy = await startFaultProxy({
    protocol: 'postgres',
    targets: [{ host: target.hostname, port: Number(target.port || '5432') }],
    dialect: connection => new PostgresDialect(connection),
    clock,
  })
  const { host, port } = addressOf(proxy.address)
  target.hostname = host
  target.port = `${port}`
  return Object.assign(proxy, { url: target.toString() })
}
