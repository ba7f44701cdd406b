import avsc from 'avsc'

/** Fields of these names are bigints: epoch nanoseconds do not fit into a number's 53 bits. */
const isNanoseconds = (fieldName: string): boolean => fieldName.endsWith('_ns')

/** Avro `long` as a bigint over its whole range. */
// eslint-disable-next-line no-underscore-dangle -- the library's own name for a custom long
const bigintLong = avsc.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64LE(value)
    return bytes
  },
  fromJSON: (value: number | string) => BigInt(value),
  toJSON: String,
  isValid: (value: unknown) => typeof value === 'bigint' && BigInt.asIntN(64, value) === value,
  compare: (left: bigint, right: bigint) => (left === right ? 0 : left < right ? -1 : 1),
})

const marker = 'sluiceBigint'

const marked = (type: unknown): unknown => {
  if (type === 'long') return { type: 'long', [marker]: true }
  return Array.isArray(type) ? type.map(marked) : type
}

/** The same schema, its nanosecond fields marked for `bigintHook`. Local only: never registered. */
export const markNanoseconds = (schema: unknown): unknown => {
  if (Array.isArray(schema)) return schema.map(markNanoseconds)
  if (typeof schema !== 'object' || schema === null) return schema
  const entries = Object.entries(schema as Readonly<Record<string, unknown>>).map(([name, value]) => {
    if (name !== 'fields' || !Array.isArray(value))
      return [name, name === 'default' ? value : markNanoseconds(value)]
    return [name, (value as { name: string; type: unknown }[]).map(markField)]
  })
  return Object.fromEntries(entries) as unknown
}

const markField = (field: { name: string; type: unknown }): unknown => ({
  ...field,
  type: isNanoseconds(field.name) ? marked(field.type) : markNanoseconds(field.type),
})

/** avsc's `typeHook`: takes the bigint type for what `markNanoseconds` has marked. */
export const bigintHook = (schema: unknown): avsc.Type | undefined =>
  typeof schema === 'object' && schema !== null && marker in schema ? bigintLong : undefined
