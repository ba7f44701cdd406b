import type { CompatibilityLevel } from './registry.ts'

type Json = string | readonly Json[] | { readonly [key: string]: unknown }

interface Shape {
  readonly kind: string
  readonly node: Readonly<Record<string, unknown>>
}

interface SchemaField {
  readonly name: string
  readonly type: Json
  readonly default?: unknown
  readonly aliases?: readonly string[]
}

const promotions: Readonly<Record<string, readonly string[]>> = {
  int: ['long', 'float', 'double'],
  long: ['float', 'double'],
  float: ['double'],
  string: ['bytes'],
  bytes: ['string'],
}
const named = new Set(['record', 'error', 'enum', 'fixed'])

/** Named types of one schema, so that a reference by name can be followed. */
const namesOf = (schema: Json, names = new Map<string, Json>()): Map<string, Json> => {
  if (typeof schema === 'string') return names
  if (Array.isArray(schema)) {
    for (const branch of schema as readonly Json[]) namesOf(branch, names)
    return names
  }
  const node = schema as Readonly<Record<string, unknown>>
  if (typeof node['name'] === 'string' && typeof node['type'] === 'string' && named.has(node['type'])) {
    if (names.has(node['name'])) return names
    names.set(node['name'], schema)
    names.set(`${(node['namespace'] as string | undefined) ?? ''}.${node['name']}`, schema)
  }
  for (const child of [node['items'], node['values'], ...fieldsOf(node).map(field => field.type)])
    if (child !== undefined) namesOf(child as Json, names)
  if (typeof node['type'] === 'object') namesOf(node['type'] as Json, names)
  return names
}

const fieldsOf = (node: Readonly<Record<string, unknown>>): readonly SchemaField[] =>
  (node['fields'] as readonly SchemaField[] | undefined) ?? []

const shapeOf = (schema: Json, names: Map<string, Json>): Shape => {
  if (typeof schema === 'string') {
    const target = names.get(schema) ?? names.get(`.${schema}`) ?? names.get(schema.split('.').at(-1) ?? '')
    return target === undefined ? { kind: schema, node: {} } : shapeOf(target, names)
  }
  if (Array.isArray(schema)) return { kind: 'union', node: { branches: schema } }
  const node = schema as Readonly<Record<string, unknown>>
  return typeof node['type'] === 'string' && !names.has(node['type'])
    ? { kind: node['type'] === 'error' ? 'record' : node['type'], node }
    : shapeOf(node['type'] as Json, names)
}

/**
 * Why data of one Avro schema could not be read with another: one sentence per fault, naming field and rule; empty when it
 * can. Follows the resolution rules of the Avro specification.
 *
 * @example unreadable(JSON.parse(newSchema), JSON.parse(oldSchema)) // ["Order.vip: added without a default (…)"]
 */
export const unreadable = (reader: unknown, writer: unknown): string[] => {
  const readerNames = namesOf(reader as Json)
  const writerNames = namesOf(writer as Json)
  const seen = new Set<string>()

  const compare = (readerSchema: Json, writerSchema: Json, path: string): string[] => {
    const read = shapeOf(readerSchema, readerNames)
    const written = shapeOf(writerSchema, writerNames)
    if (written.kind === 'union')
      return (written.node['branches'] as readonly Json[]).flatMap(branch =>
        compare(readerSchema, branch, path),
      )
    if (read.kind === 'union') {
      const fits = (read.node['branches'] as readonly Json[]).some(
        branch => compare(branch, writerSchema, path).length === 0,
      )
      return fits
        ? []
        : [`${path}: no branch of the reader's union takes the writer's ${written.kind} (rule: unions)`]
    }
    if (read.kind !== written.kind)
      return (promotions[written.kind] ?? []).includes(read.kind)
        ? []
        : [`${path}: written as ${written.kind}, read as ${read.kind} (rule: types match or promote)`]
    return compareSame(read, written, path)
  }

  const compareSame = (read: Shape, written: Shape, path: string): string[] => {
    switch (read.kind) {
      case 'array':
        return compare(read.node['items'] as Json, written.node['items'] as Json, `${path}[]`)
      case 'map':
        return compare(read.node['values'] as Json, written.node['values'] as Json, `${path}{}`)
      case 'enum': {
        const known = new Set(read.node['symbols'] as readonly string[])
        const lost = (written.node['symbols'] as readonly string[]).filter(symbol => !known.has(symbol))
        return lost.length === 0 || read.node['default'] !== undefined
          ? []
          : [`${path}: symbols ${lost.join(', ')} are unknown to the reader (rule: enum symbols)`]
      }
      case 'fixed':
        return read.node['size'] === written.node['size'] ? [] : [`${path}: sizes differ (rule: fixed)`]
      case 'record':
        return compareRecords(read.node, written.node, path)
      default:
        return []
    }
  }

  const compareRecords = (
    read: Readonly<Record<string, unknown>>,
    written: Readonly<Record<string, unknown>>,
    path: string,
  ): string[] => {
    const pair = `${String(read['name'])}|${String(written['name'])}|${path.split('.').length > 32 ? '' : path}`
    if (seen.has(pair)) return []
    seen.add(pair)
    const writtenFields = new Map(fieldsOf(written).map(field => [field.name, field]))
    return fieldsOf(read).flatMap(field => {
      const source = [field.name, ...(field.aliases ?? [])].map(name => writtenFields.get(name)).find(Boolean)
      if (source !== undefined) return compare(field.type, source.type, `${path}.${field.name}`)
      return field.default === undefined
        ? [
            `${path}.${field.name}: the reader has it without a default, the writer has it not (rule: defaults)`,
          ]
        : []
    })
  }

  const root = shapeOf(reader as Json, readerNames).node['name']
  return compare(reader as Json, writer as Json, typeof root === 'string' ? root : 'value')
}

/**
 * The faults of a new version against the earlier ones (oldest first) under a registry's level.
 *
 * @example incompatibilities('FULL_TRANSITIVE', newJson, [v1Json, v2Json])
 */
export const incompatibilities = (
  level: CompatibilityLevel,
  next: string,
  earlier: readonly string[],
): string[] => {
  if (level === 'NONE') return []
  const against = level.endsWith('_TRANSITIVE') ? earlier : earlier.slice(-1)
  const faults = against.flatMap(text => {
    const [newer, older] = [JSON.parse(next) as unknown, JSON.parse(text) as unknown]
    return [
      ...(level.startsWith('FORWARD')
        ? []
        : unreadable(newer, older).map(fault => `new reader, old data: ${fault}`)),
      ...(level.startsWith('BACKWARD')
        ? []
        : unreadable(older, newer).map(fault => `old reader, new data: ${fault}`)),
    ]
  })
  return [...new Set(faults)]
}
