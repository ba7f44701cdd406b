import * as fc from 'fast-check'

/** An Avro schema as JSON. */
export type Schema = string | readonly Schema[] | { readonly type: unknown; readonly [key: string]: unknown }
export interface Field {
  readonly name: string
  readonly type: Schema
  readonly default?: unknown
  readonly aliases?: readonly string[]
}

const symbols = ['A', 'B', 'C']

/** Types without parts; names must be unique within a schema, hence `path`. */
const leaf = (path: string): fc.Arbitrary<Schema> =>
  fc.constantFrom<Schema>(
    'boolean',
    'int',
    'long',
    'double',
    'string',
    'bytes',
    { type: 'int', logicalType: 'date' },
    { type: 'long', logicalType: 'timestamp-millis' },
    { type: 'long', logicalType: 'timestamp-micros' },
    { type: 'string', logicalType: 'uuid' },
    { type: 'bytes', logicalType: 'decimal', precision: 12, scale: 2 },
    { type: 'fixed', name: `Decimal${path}`, size: 5, logicalType: 'decimal', precision: 9, scale: 2 },
    { type: 'fixed', name: `Duration${path}`, size: 12, logicalType: 'duration' },
    { type: 'enum', name: `Enum${path}`, symbols, default: 'A' },
  )

const typeOf = (path: string, depth: number): fc.Arbitrary<Schema> =>
  depth === 0
    ? leaf(path)
    : fc.oneof(
        { weight: 4, arbitrary: leaf(path) },
        { weight: 1, arbitrary: typeOf(path, depth - 1).map(items => ({ type: 'array', items })) },
        { weight: 1, arbitrary: leaf(path).map(values => ({ type: 'map', values })) },
        { weight: 2, arbitrary: leaf(path).map(branch => ['null', branch]) },
        { weight: 1, arbitrary: fc.constant<Schema>(['null', 'string', 'bytes']) },
        { weight: 2, arbitrary: recordOf(path, depth - 1) },
      )

/** A record of up to four fields; those named `…_ns` are longs, in TypeScript bigints. */
export const recordOf = (path: string, depth: number): fc.Arbitrary<Schema> =>
  fc
    .array(fc.tuple(fc.constant(depth), fc.boolean()), { minLength: 1, maxLength: 4 })
    .chain(shapes =>
      fc.tuple(
        ...shapes.map(([deep, hasDefault], index) =>
          fc
            .oneof(
              {
                weight: 6,
                arbitrary: typeOf(`${path}${index}`, deep).map(type => ({ name: `f${index}`, type })),
              },
              { weight: 1, arbitrary: fc.constant({ name: `f${index}_ns`, type: 'long' }) },
            )
            .map(field => (hasDefault ? { ...field, default: defaultOf(field.type) } : field)),
        ),
      ),
    )
    .map(fields => ({ type: 'record', name: `Record${path}`, fields }))

/** A default that fits, as JSON. */
const defaultOf = (schema: Schema): unknown => {
  if (isUnion(schema)) return defaultOf(schema[0] as Schema)
  const json = objectOf(schema)
  switch (json.type) {
    case 'null':
      return null
    case 'boolean':
      return true
    case 'string':
      return 'default'
    case 'bytes':
      return '\u0000\u00ff'
    case 'fixed':
      return '\u0001'.repeat(Number(json['size']))
    case 'enum':
      return 'B'
    case 'array':
      return []
    case 'map':
      return {}
    case 'record':
      return Object.fromEntries(fieldsOf(json).map(({ name, type }) => [name, defaultOf(type)]))
    default:
      return 7
  }
}

export const isUnion = (schema: Schema): schema is readonly Schema[] => Array.isArray(schema)
export const objectOf = (schema: Schema): { readonly type: unknown; readonly [key: string]: unknown } =>
  typeof schema === 'string' ? { type: schema } : (schema as { readonly type: unknown })
export const fieldsOf = (json: { readonly [key: string]: unknown }): readonly Field[] =>
  json['fields'] as readonly Field[]

/** The next version of a schema: mostly what may be changed, now and then what may not. */
export const nextOf = (schema: Schema, path: string): fc.Arbitrary<Schema> => {
  const same = fc.constant(schema)
  if (isUnion(schema)) {
    const branches = schema
    if (JSON.stringify(schema) === '["null","string"]')
      return fc.oneof(same, fc.constant(['null', 'string', 'bytes']))
    return fc.oneof(same, same, fc.constant(branches.toReversed()))
  }
  const json = objectOf(schema)
  switch (json.type) {
    case 'record':
      return nextRecord(json, path)
    case 'array':
      return nextOf(json['items'] as Schema, path).map(items => ({ ...json, items }))
    case 'map':
      return nextOf(json['values'] as Schema, path).map(values => ({ ...json, values }))
    case 'enum':
      return fc.oneof(
        same,
        fc.constant({ ...json, symbols: [...symbols, 'D'] }),
        fc.constant({ ...json, symbols: ['B', 'A'] }),
      )
    case 'int':
      return rarely(same, { type: 'long' })
    case 'long':
      return rarely(same, { type: 'double' })
    case 'string':
      return rarely(same, 'bytes')
    case 'bytes':
      return rarely(same, 'string')
    default:
      return same
  }
}

const rarely = (same: fc.Arbitrary<Schema>, other: Schema): fc.Arbitrary<Schema> =>
  fc.oneof({ weight: 5, arbitrary: same }, { weight: 1, arbitrary: fc.constant(other) })

const nextRecord = (json: { readonly [key: string]: unknown }, path: string): fc.Arbitrary<Schema> => {
  const fields = fieldsOf(json).map((field, index) =>
    fc.oneof(
      {
        weight: 6,
        arbitrary: (field.name.endsWith('_ns')
          ? fc.constant(field.type)
          : nextOf(field.type, `${path}${index}`)
        ).map(type => [
          field.default === undefined ? { ...field, type } : { ...field, type, default: defaultOf(type) },
        ]),
      },
      { weight: 1, arbitrary: fc.constant(field.default === undefined ? [field] : []) },
      {
        weight: 1,
        arbitrary: fc.constant([{ ...field, name: `r${field.name}`, aliases: [field.name] }]),
      },
    ),
  )
  const added = fc.option(
    typeOf(`${path}x`, 1).map(type => ({ name: 'added', type, default: defaultOf(type) })),
    { nil: undefined },
  )
  return fc.tuple(fc.tuple(...fields), added, fc.boolean()).map(([kept, extra, isReversed]) => {
    const all = [...kept.flat(), ...(extra === undefined ? [] : [extra])]
    return { ...json, type: 'record', fields: isReversed ? all.toReversed() : all }
  })
}

/** Values of a schema, as the codec takes them. */
export const valueOf = (schema: Schema, fieldName = ''): fc.Arbitrary<unknown> => {
  if (isUnion(schema)) return fc.oneof(...schema.map(branch => valueOf(branch)))
  const json = objectOf(schema)
  const text = fc.string({ unit: 'grapheme' })
  const buffer = (size?: number) =>
    fc
      .uint8Array(size === undefined ? { maxLength: 9 } : { minLength: size, maxLength: size })
      .map(bytes => Buffer.from(bytes))
  switch (json.type) {
    case 'null':
      return fc.constant(null)
    case 'boolean':
      return fc.boolean()
    case 'int':
      return fc.integer()
    case 'long':
      return fieldName.endsWith('_ns')
        ? fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
        : fc.integer({ min: -(2 ** 52), max: 2 ** 53 - 2 })
    case 'double':
      return fc.double({ noNaN: true })
    case 'string':
      return text
    case 'bytes':
      return buffer()
    case 'fixed':
      return buffer(Number(json['size']))
    case 'enum':
      return fc.constantFrom(...(json['symbols'] as readonly string[]))
    case 'array':
      return fc.array(valueOf(json['items'] as Schema), { maxLength: 3 })
    case 'map':
      return fc.dictionary(
        text.filter(key => key !== '__proto__'),
        valueOf(json['values'] as Schema),
        { maxKeys: 3, noNullPrototype: true },
      )
    default:
      return fc.record(
        Object.fromEntries(fieldsOf(json).map(({ name, type }) => [name, valueOf(type, name)])),
        { noNullPrototype: true },
      )
  }
}
