import { Client, DatabaseError } from 'pg'
import { postgresError } from './errors.ts'

/** How a relay's connections are called in pg_stat_activity; Postgres keeps 63 bytes of it. */
export const applicationName = (relayName: string): string => `sluice-relay ${relayName}`.slice(0, 63)

/**
 * Opens a connection, hands it out, and closes it whatever happens. Statements run one after another on it.
 *
 * Errors of Postgres come out as those of `postgresError`.
 */
export const withClient = async <Result>(
  postgresUrl: string,
  kind: 'sql' | 'replication',
  use: (client: Client) => Promise<Result>,
): Promise<Result> => {
  const client = openable(postgresUrl, kind)
  try {
    await client.connect().catch((error: unknown) => {
      throw postgresError(error)
    })
    return await use(client)
  } catch (error) {
    throw isOfPostgres(error) ? postgresError(error) : error
  } finally {
    await client.end().catch(() => {})
  }
}

const openable = (postgresUrl: string, kind: 'sql' | 'replication'): Client => {
  const options = { connectionString: postgresUrl, application_name: 'sluice-relay', keepAlive: true }
  // A word the server understands in the startup message, though the driver's types do not list it.
  const replication: object = kind === 'replication' ? { replication: 'database' } : {}
  const client = new Client({ ...options, connectionTimeoutMillis: 10_000, ...replication })
  // Without a listener a lost connection would end the process; the statement under way rejects anyway.
  client.on('error', () => {})
  return client
}

/** Errors of the driver and of sockets; ours, and those of Kafka, pass as they are. */
export const isOfPostgres = (error: unknown): boolean =>
  error instanceof DatabaseError ||
  (error instanceof Error &&
    (isOfSystem(error) || /connection|timeout|terminated/i.test(error.message)) &&
    error.name !== 'SluiceError')

/** `ECONNREFUSED` and its like; those for several addresses of one host name neither a call nor a message. */
const isOfSystem = (error: Error): boolean =>
  'syscall' in error || ('code' in error && typeof error.code === 'string' && /^E[A-Z0-9]+$/.test(error.code))
