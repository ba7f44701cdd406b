import { fieldsOf, isUnion, objectOf, type Schema } from './evolving-schemas.ts'

/**
 * What a reader must make of a value, by the specification's "Schema Resolution", of values instead of bytes: shares nothing with
 * the codec. For pairs that are compatible.
 */
export const readAs = (reader: Schema, writer: Schema, value: unknown, fieldName = ''): unknown => {
  if (isUnion(writer)) return readAs(reader, branchOf(writer, value), value, fieldName)
  if (isUnion(reader)) {
    const [written, branches] = [objectOf(writer), reader]
    const same = branches.find(branch => objectOf(branch).type === written.type)
    return readAs(same ?? (branches.find(branch => promotes(written.type, branch)) as Schema), writer, value)
  }
  const [read, written] = [objectOf(reader), objectOf(writer)]
  switch (read.type) {
    case 'record': {
      const values = value as Readonly<Record<string, unknown>>
      const sources = new Map(fieldsOf(written).map(field => [field.name, field]))
      return Object.fromEntries(
        fieldsOf(read).map(field => {
          const source = [field.name, ...(field.aliases ?? [])].flatMap(name => sources.get(name) ?? [])[0]
          const result =
            source === undefined
              ? fromDefault(field.type, field.default, field.name)
              : readAs(field.type, source.type, values[source.name], field.name)
          return [field.name, result]
        }),
      )
    }
    case 'array':
      return (value as readonly unknown[]).map(item =>
        readAs(read['items'] as Schema, written['items'] as Schema, item),
      )
    case 'map':
      return Object.fromEntries(
        Object.entries(value as object).map(([key, item]) => [
          key,
          readAs(read['values'] as Schema, written['values'] as Schema, item),
        ]),
      )
    case 'enum':
      return (read['symbols'] as readonly unknown[]).includes(value) ? value : read['default']
    case 'string':
      return Buffer.isBuffer(value) ? value.toString('utf8') : value
    case 'bytes':
      return typeof value === 'string' ? Buffer.from(value) : value
    default:
      return value
  }
}

const promotes = (written: unknown, branch: Schema): boolean => {
  const pair = [written, objectOf(branch).type].join()
  return pair === 'string,bytes' || pair === 'bytes,string'
}

const branchOf = (union: readonly Schema[], value: unknown): Schema =>
  union.find(branch => fits(objectOf(branch), value)) as Schema

const fits = (json: { readonly type: unknown }, value: unknown): boolean => {
  switch (json.type) {
    case 'null':
      return value === null
    case 'boolean':
      return typeof value === 'boolean'
    case 'string':
    case 'enum':
      return typeof value === 'string'
    case 'bytes':
    case 'fixed':
      return Buffer.isBuffer(value)
    default:
      return typeof value === 'number'
  }
}

const fromDefault = (schema: Schema, json: unknown, fieldName: string): unknown => {
  if (isUnion(schema)) return fromDefault(schema[0] as Schema, json, fieldName)
  const { type, ...more } = objectOf(schema)
  if (type === 'bytes' || type === 'fixed') return Buffer.from(String(json), 'latin1')
  if (type === 'long' && fieldName.endsWith('_ns')) return BigInt(Number(json))
  if (type !== 'record') return json
  const values = json as Readonly<Record<string, unknown>>
  return Object.fromEntries(
    fieldsOf(more).map(field => [field.name, fromDefault(field.type, values[field.name], field.name)]),
  )
}
