import { SluiceError } from '../core/errors.ts'

/** A row as the driver gives it, with `bigint` columns as BigInt. */
export type CassandraRow = Readonly<Record<string, unknown>>

/** What a statement's parameters may be: a `bigint` column takes `BigInt(n)`; undefined leaves the column alone. */
export type CassandraValue = string | number | bigint | boolean | Date | undefined | readonly string[]

const malformed = (column: string, value: unknown, wanted: string): SluiceError =>
  new SluiceError({
    code: 'SLUICE_CASSANDRA_VALUE',
    message: `Cassandra: column ${column} holds ${String(value)}, not ${wanted}`,
    remedy: 'the table was changed by something else than Sluice; restore it or rebuild it by replay',
    details: { column },
  })

/** An `int` or `bigint` column as a safe integer; undefined when it is null or not there. */
export const optionalInteger = (row: CassandraRow, column: string): number | undefined => {
  const value = row[column]
  if (value === null || value === undefined) return undefined
  const number = typeof value === 'bigint' ? Number(value) : value
  if (typeof number !== 'number' || !Number.isSafeInteger(number))
    throw malformed(column, value, 'a safe integer')
  return number
}

/** An `int` or `bigint` column that must be there. */
export const integer = (row: CassandraRow, column: string): number => {
  const value = optionalInteger(row, column)
  if (value === undefined) throw malformed(column, null, 'an integer')
  return value
}

/** A `text` column; undefined when it is null or not there. */
export const optionalText = (row: CassandraRow, column: string): string | undefined => {
  const value = row[column]
  if (value === null || value === undefined) return undefined
  if (typeof value !== 'string') throw malformed(column, value, 'a text')
  return value
}

/** A `text` column that must be there. */
export const text = (row: CassandraRow, column: string): string => {
  const value = optionalText(row, column)
  if (value === undefined) throw malformed(column, null, 'a text')
  return value
}

/** A `timestamp` column in milliseconds since the epoch; undefined when it is null or not there. */
export const optionalTime = (row: CassandraRow, column: string): number | undefined => {
  const value = row[column]
  if (value === null || value === undefined) return undefined
  if (!(value instanceof Date)) throw malformed(column, value, 'a timestamp')
  return value.getTime()
}
