/** What went wrong with a statement, by what the caller has to do. */
export type PostgresFault =
  /** The server cannot be reached or is shutting down: answer 503, try later. */
  | 'unavailable'
  /** The server has no room now (connections, memory, time): answer 503, try soon. */
  | 'busy'
  /** Another transaction was in the way: the same statement may be sent again at once. */
  | 'conflict'
  /** The statement itself is wrong: sending it again changes nothing. */
  | 'refused'

/** A fault, and whether the statement may nevertheless have been committed. */
export interface PostgresFailure {
  readonly fault: PostgresFault
  /** `unknown`: the statement was sent and its answer never came; it must be resolved, never guessed. */
  readonly outcome: 'failed' | 'unknown'
  readonly sqlState: string | undefined
}

const sqlStateOf = (error: unknown): string | undefined => {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  const { code } = error
  // Errors of sockets carry a code too (ECONNRESET); an SQLSTATE has exactly five characters.
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && 'severity' in error ? code : undefined
}

/**
 * The reaction a failed statement requires.
 *
 * `sent` says whether the statement had left for the server: before that, nothing can have been committed.
 *
 * @example classifyPostgres(error, true) // { fault: 'unavailable', outcome: 'unknown', sqlState: '57P01' }
 */
export const classifyPostgres = (error: unknown, sent: boolean): PostgresFailure => {
  const sqlState = sqlStateOf(error)
  const lost = sent ? 'unknown' : 'failed'
  if (sqlState === undefined) {
    const ours = error instanceof TypeError || error instanceof RangeError
    return { fault: ours ? 'refused' : 'unavailable', outcome: lost, sqlState }
  }
  const failed = (fault: PostgresFault): PostgresFailure => ({ fault, outcome: 'failed', sqlState })
  // The server went away in the middle: a commit that was already on its way may have become durable.
  if (/^(08|57P0[124])/.test(sqlState)) return { fault: 'unavailable', outcome: lost, sqlState }
  if (sqlState === '40003') return { fault: 'conflict', outcome: 'unknown', sqlState }
  if (sqlState === '57P03' || sqlState === '57P05' || sqlState === '25006') return failed('unavailable')
  if (sqlState === '57014' || sqlState.startsWith('53')) return failed('busy')
  if (sqlState.startsWith('40') || sqlState === '55P03') return failed('conflict')
  return failed('refused')
}
