import { errors, types } from 'cassandra-driver'
import { messageOf, SluiceError } from '../core/errors.ts'

/**
 * What an error says about the request: `unknown` – it may have been, or may yet be, applied; `unavailable` – it was
 * not sent, or a plain request was not served, and may be sent again; `fatal` – repeating it cannot help.
 */
export type CassandraFailure = 'unknown' | 'unavailable' | 'fatal'

const { responseErrorCodes } = types

// Answered before anything is executed: the statement itself, or the right to run it, is wrong.
const refusedByServer: ReadonlySet<number> = new Set([
  responseErrorCodes.protocolError,
  responseErrorCodes.badCredentials,
  responseErrorCodes.syntaxError,
  responseErrorCodes.unauthorized,
  responseErrorCodes.invalid,
  responseErrorCodes.configError,
  responseErrorCodes.alreadyExists,
])

const wasNeverWritten = (error: unknown): boolean =>
  error instanceof errors.BusyConnectionError ||
  (error instanceof Error &&
    (('requestNotWritten' in error && error.requestNotWritten === true) ||
      ('code' in error && ['ECONNREFUSED', 'EHOSTUNREACH', 'ENOTFOUND'].includes(String(error.code)))))

const failureOfNoHost = (error: errors.NoHostAvailableError): CassandraFailure => {
  const inner: unknown[] = Object.values((error.innerErrors ?? {}) as Record<string, unknown>)
  if (inner.some(one => one instanceof errors.AuthenticationError)) return 'fatal'
  return inner.every(one => one === null || one === undefined || wasNeverWritten(one))
    ? 'unavailable'
    : 'unknown'
}

/**
 * Classes an error of the driver for a request that must not be applied twice.
 *
 * Only what is known not to have been executed is anything but `unknown`: a Paxos round that failed with `Unavailable`
 * or a read timeout may still be completed by the next one.
 */
export const failureOf = (error: unknown): CassandraFailure => {
  if (error instanceof errors.NoHostAvailableError) return failureOfNoHost(error)
  if (error instanceof errors.AuthenticationError || error instanceof errors.ArgumentError) return 'fatal'
  if (error instanceof errors.ResponseError) return refusedByServer.has(error.code) ? 'fatal' : 'unknown'
  if (wasNeverWritten(error)) return 'unavailable'
  // A value that cannot be encoded: a bug of ours, and never on the wire.
  if (error instanceof TypeError || error instanceof RangeError) return 'fatal'
  return 'unknown'
}

const remedies: Record<CassandraFailure, string> = {
  unknown: 'read the outcome before repeating the request',
  unavailable: 'check that Cassandra runs and is reachable, then try again',
  fatal: 'check the schema (`sluice migrate`), the keyspace and the credentials',
}

const codes: Record<CassandraFailure, string> = {
  unknown: 'SLUICE_CASSANDRA_OUTCOME_UNKNOWN',
  unavailable: 'SLUICE_CASSANDRA_UNAVAILABLE',
  fatal: 'SLUICE_CASSANDRA_REFUSED',
}

/**
 * The project's error for a failed request.
 *
 * @param subject What was asked of Cassandra, e.g. `read stock of 85123A`.
 * @param failure As classed by `failureOf`; a caller whose request is idempotent passes `unavailable` for `unknown`.
 */
export const cassandraError = (subject: string, failure: CassandraFailure, cause: unknown): SluiceError =>
  new SluiceError({
    code: codes[failure],
    message: `Cassandra: ${subject}: ${messageOf(cause)}`,
    remedy: remedies[failure],
    reaction: failure === 'fatal' ? 'stop' : 'retry',
    cause,
  })
