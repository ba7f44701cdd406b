/** The types that a logical type may annotate; on any other it is ignored, as the specification demands. */
const carriers: Readonly<Record<string, readonly string[]>> = {
  date: ['int'],
  'time-millis': ['int'],
  'time-micros': ['long'],
  'timestamp-millis': ['long'],
  'timestamp-micros': ['long'],
  'timestamp-nanos': ['long'],
  'local-timestamp-millis': ['long'],
  'local-timestamp-micros': ['long'],
  'local-timestamp-nanos': ['long'],
  uuid: ['string', 'fixed'],
}

const fixedSizes: Readonly<Record<string, number>> = { uuid: 16, duration: 12 }

/**
 * The logical type of a schema's node in words that are equal when the logical types are, e.g. `timestamp-millis` or
 * `decimal(9,2)`; undefined where there is none, or one that the specification says to ignore.
 */
export const logicalTypeOf = (
  type: string,
  schema: Readonly<Record<string, unknown>>,
): string | undefined => {
  const name = schema['logicalType']
  if (typeof name !== 'string') return undefined
  if (name === 'decimal') return decimalOf(type, schema)
  if (type === 'fixed') return fixedSizes[name] === schema['size'] ? name : undefined
  return carriers[name]?.includes(type) === true ? name : undefined
}

const decimalOf = (type: string, schema: Readonly<Record<string, unknown>>): string | undefined => {
  const { precision, scale = 0, size } = schema
  if (type !== 'bytes' && type !== 'fixed') return undefined
  if (!isWhole(precision) || precision < 1 || !isWhole(scale) || scale > precision) return undefined
  if (type === 'fixed' && precision > digitsIn(Number(size))) return undefined
  return `decimal(${precision},${scale})`
}

const isWhole = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0

/** Decimal digits that a signed number of so many bytes always holds. */
const digitsIn = (bytes: number): number => Math.floor(Math.log10(2) * (8 * bytes - 1))
