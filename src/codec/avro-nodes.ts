import { refusedSchema } from './limits.ts'
import { logicalTypeOf } from './logical-type.ts'

type Json = string | readonly Json[] | JsonObject
type JsonObject = Readonly<Record<string, unknown>>

interface Named {
  /** With its namespace. */
  readonly name: string
  /** With their namespaces. */
  readonly aliases: readonly string[]
}

export interface RecordField {
  readonly name: string
  readonly aliases: readonly string[]
  readonly type: AvroNode
  readonly hasDefault: boolean
}

export interface RecordNode extends Named {
  readonly kind: 'record'
  readonly fields: RecordField[]
}

export interface EnumNode extends Named {
  readonly kind: 'enum'
  readonly symbols: readonly string[]
  readonly hasDefault: boolean
}

export interface FixedNode extends Named {
  readonly kind: 'fixed'
  readonly size: number
  readonly logicalType: string | undefined
}

export interface PrimitiveNode {
  readonly kind: 'null' | 'boolean' | 'int' | 'long' | 'float' | 'double' | 'bytes' | 'string'
  readonly logicalType: string | undefined
}

/** A schema with every name resolved; a recursive type refers to itself as an object. */
export type AvroNode =
  | PrimitiveNode
  | RecordNode
  | EnumNode
  | FixedNode
  | { readonly kind: 'array'; readonly items: AvroNode }
  | { readonly kind: 'map'; readonly values: AvroNode }
  | { readonly kind: 'union'; readonly branches: readonly AvroNode[] }

const primitives: ReadonlySet<string> = new Set<PrimitiveNode['kind']>([
  'null',
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'bytes',
  'string',
])

const isPrimitive = (name: string): name is PrimitiveNode['kind'] => primitives.has(name)

/** A name without its namespace. */
export const unqualified = (name: string): string => name.slice(name.lastIndexOf('.') + 1)

/**
 * Resolves names and namespaces of a parsed schema, as the Avro specification has it ("Names").
 *
 * Errors: `SLUICE_CODEC_SCHEMA_REFUSED` for what is no schema.
 *
 * @example avroNodes(JSON.parse('{"type":"array","items":"string"}')) // { kind: 'array', items: { kind: 'string', … } }
 */
export const avroNodes = (schema: unknown): AvroNode => {
  const names = new Map<string, AvroNode>()

  const nodeOf = (json: Json, namespace: string): AvroNode => {
    if (typeof json === 'string') return reference(json, namespace)
    if (Array.isArray(json))
      return { kind: 'union', branches: (json as readonly Json[]).map(branch => nodeOf(branch, namespace)) }
    if (typeof json !== 'object' || json === null) throw refusedSchema(`${JSON.stringify(json)} is no schema`)
    return complex(json as JsonObject, namespace)
  }

  const reference = (name: string, namespace: string): AvroNode => {
    if (isPrimitive(name)) return { kind: name, logicalType: undefined }
    const found = names.get(qualified(name, namespace)) ?? names.get(name)
    if (found === undefined) throw refusedSchema(`the type ${name} is not defined`)
    return found
  }

  const complex = (json: JsonObject, namespace: string): AvroNode => {
    const { type } = json
    switch (type) {
      case 'array':
        return { kind: 'array', items: nodeOf(json['items'] as Json, namespace) }
      case 'map':
        return { kind: 'map', values: nodeOf(json['values'] as Json, namespace) }
      case 'record':
      case 'error':
        return recordOf(json, namespace)
      case 'enum': {
        const symbols = (json['symbols'] as readonly string[] | undefined) ?? []
        return define({
          kind: 'enum',
          ...named(json, namespace),
          symbols,
          hasDefault: json['default'] !== undefined,
        })
      }
      case 'fixed': {
        const size = Number(json['size'])
        return define({
          kind: 'fixed',
          ...named(json, namespace),
          size,
          logicalType: logicalTypeOf('fixed', json),
        })
      }
      default: {
        if (typeof type !== 'string' || !isPrimitive(type)) return nodeOf(type as Json, namespace)
        return { kind: type, logicalType: logicalTypeOf(type, json) }
      }
    }
  }

  const recordOf = (json: JsonObject, namespace: string): RecordNode => {
    const { name, aliases } = named(json, namespace)
    const record: RecordNode = { kind: 'record', name, aliases, fields: [] }
    define(record)
    const within = namespaceOf(name)
    for (const field of (json['fields'] as readonly JsonObject[] | undefined) ?? [])
      record.fields.push({
        name: String(field['name']),
        aliases: (field['aliases'] as readonly string[] | undefined) ?? [],
        type: nodeOf(field['type'] as Json, within),
        hasDefault: field['default'] !== undefined,
      })
    return record
  }

  const define = <N extends AvroNode & Named>(node: N): N => {
    if (names.has(node.name)) throw refusedSchema(`the type ${node.name} is defined twice`)
    names.set(node.name, node)
    return node
  }

  return nodeOf(schema as Json, '')
}

const qualified = (name: string, namespace: string): string =>
  name.includes('.') || namespace === '' ? name : `${namespace}.${name}`

const namespaceOf = (name: string): string => name.slice(0, Math.max(0, name.lastIndexOf('.')))

const named = (json: JsonObject, enclosing: string): Named => {
  if (typeof json['name'] !== 'string') throw refusedSchema(`a ${String(json['type'])} has no name`)
  const namespace = typeof json['namespace'] === 'string' ? json['namespace'] : enclosing
  const name = qualified(json['name'], namespace)
  const aliases = (json['aliases'] as readonly string[] | undefined) ?? []
  return { name, aliases: aliases.map(alias => qualified(alias, namespaceOf(name))) }
}
