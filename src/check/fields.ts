import { SluiceError } from '../core/errors.ts'

/** A decoded record or row whose shape is not trusted yet. */
export type Fields = Readonly<Record<string, unknown>>

const refuse = (where: string, name: string, wanted: string, value: unknown): never => {
  throw new SluiceError({
    code: 'SLUICE_CHECK_UNEXPECTED_VALUE',
    message: `${where}: ${name} is ${typeof value} ${String(value)} where ${wanted} is expected`,
    remedy: 'the writer and this check do not agree on the format; compare the schema with schemas/',
    details: { where, name },
  })
}

export const fieldsOf = (value: unknown, where: string): Fields =>
  typeof value === 'object' && value !== null
    ? (value as Fields)
    : refuse(where, 'the value', 'a record', value)

export const textOf = (fields: Fields, name: string, where: string): string => {
  const value = fields[name]
  return typeof value === 'string' ? value : refuse(where, name, 'text', value)
}

export const optionalTextOf = (fields: Fields, name: string, where: string): string | null => {
  const value = fields[name]
  return value === null || value === undefined ? null : textOf(fields, name, where)
}

/** A safe integer from a number, a bigint or decimal digits, as the clients give 64-bit columns. */
export const toInteger = (value: unknown, name: string, where: string): number => {
  const number =
    typeof value === 'bigint' || (typeof value === 'string' && /^-?\d+$/.test(value)) ? Number(value) : value
  return typeof number === 'number' && Number.isSafeInteger(number)
    ? number
    : refuse(where, name, 'a safe integer', value)
}

export const integerOf = (fields: Fields, name: string, where: string): number =>
  toInteger(fields[name], name, where)

export const listOf = (fields: Fields, name: string, where: string): readonly unknown[] => {
  const value = fields[name]
  return Array.isArray(value) ? (value as unknown[]) : refuse(where, name, 'a list', value)
}
