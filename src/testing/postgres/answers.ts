/** An error of Postgres. */
export interface PostgresAnswer {
  /** Five characters, e.g. `40001` serialization failure, `57P01` the server is shutting down, `53100` disk full. */
  readonly sqlState: string
  readonly message?: string
  /** The server ends the connection after it. */
  readonly isFatal?: boolean
}

/** A message of the server: type, length, content. */
export const postgresMessage = (type: string, content: Buffer): Buffer => {
  const head = Buffer.alloc(5)
  head.write(type, 0, 'latin1')
  head.writeInt32BE(content.length + 4, 1)
  return Buffer.concat([head, content])
}

/**
 * ErrorResponse and, unless it is fatal, ReadyForQuery.
 *
 * @param status Of the transaction, as the server told last: `I` none, `T` in one, `E` in a failed one.
 */
export const refuseStatement = (
  { sqlState, message = 'injected by the fault proxy', isFatal = false }: PostgresAnswer,
  status: string,
): Buffer => {
  const severity = isFatal ? 'FATAL' : 'ERROR'
  const fields = [`S${severity}`, `V${severity}`, `C${sqlState}`, `M${message}`]
  const error = postgresMessage('E', Buffer.from(`${fields.join('\0')}\0\0`))
  if (isFatal) return error
  return Buffer.concat([error, postgresMessage('Z', Buffer.from(status === 'I' ? 'I' : 'E'))])
}
