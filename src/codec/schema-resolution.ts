import { unqualified } from './avro-nodes.ts'
import type { AvroNode, EnumNode, FixedNode, PrimitiveNode, RecordNode } from './avro-nodes.ts'
import { refusedSchema } from './limits.ts'

/** The rule of the specification's "Schema Resolution" that is broken; `logical-type` is stricter where data would change its meaning. */
export type ResolutionRule = 'default' | 'type' | 'union' | 'enum' | 'fixed' | 'name' | 'logical-type'

/** One place at which a reader's schema does not take what a writer's schema may hold. */
export interface Mismatch {
  readonly rule: ResolutionRule
  /** Where in the value: `lines[].sku`, `prices{}`; empty for the whole. */
  readonly path: string
  /** What the reader has there, in words; for `default` the field's name. */
  readonly reader: string
  /** What the writer has there; for `enum` the symbols that the reader does not know. */
  readonly writer: string
}

const promotions: Readonly<Record<string, readonly string[]>> = {
  int: ['long', 'float', 'double'],
  long: ['float', 'double'],
  float: ['double'],
  string: ['bytes'],
  bytes: ['string'],
}

const mostComparisons = 100_000

/**
 * Why values of one schema could not be read with another, per the Avro specification's "Schema Resolution"; empty when all
 * can. Records may refer to themselves.
 *
 * Stricter than the specification in one point: two different logical types never match (it says so of decimals alone), for
 * milliseconds read as microseconds are wrong values without an error.
 *
 * Errors: `SLUICE_CODEC_SCHEMA_REFUSED` for schemas too entangled to compare.
 *
 * @example mismatches(avroNodes(newSchema), avroNodes(oldSchema)) // [{ rule: 'default', path: 'lines[].price', … }]
 */
export const mismatches = (reader: AvroNode, writer: AvroNode): Mismatch[] => {
  // Pairs being compared further up: assumed to match, as whatever else is wrong with them is found there.
  const open = new Map<RecordNode, Set<RecordNode>>()
  let comparisons = 0

  const compare = (read: AvroNode, written: AvroNode, path: string): Mismatch[] => {
    comparisons += 1
    if (comparisons > mostComparisons) throw refusedSchema('it is too entangled to be compared')
    if (written.kind === 'union')
      return read.kind === 'union'
        ? written.branches.flatMap(branch => intoUnion(read.branches, branch, path))
        : written.branches.flatMap(branch => fromBranch(read, branch, path))
    if (read.kind === 'union') return intoUnion(read.branches, written, path)
    if (read.kind !== written.kind)
      return (promotions[written.kind] ?? []).includes(read.kind)
        ? logicalTypes(read, written, path)
        : [{ rule: 'type', path, reader: wordFor(read), writer: wordFor(written) }]
    return sameKind(read, written, path)
  }

  const intoUnion = (branches: readonly AvroNode[], written: AvroNode, path: string): Mismatch[] => {
    const tried = branches.map(branch => compare(branch, written, path))
    if (tried.some(faults => faults.length === 0)) return []
    // The branch that is meant is the one that could be it: its own faults say more than that none fits.
    const meant = branches.findIndex(branch => isMeant(branch, written))
    const own = tried[meant]
    if (own !== undefined) return own
    return [{ rule: 'union', path, reader: branches.map(wordFor).join(' or '), writer: wordFor(written) }]
  }

  const fromBranch = (read: AvroNode, branch: AvroNode, path: string): Mismatch[] => {
    const faults = compare(read, branch, path)
    return faults.map(fault =>
      fault.rule === 'type' && fault.path === path ? { ...fault, rule: 'union' } : fault,
    )
  }

  const sameKind = (read: AvroNode, written: AvroNode, path: string): Mismatch[] => {
    if (read.kind === 'array' && written.kind === 'array')
      return compare(read.items, written.items, `${path}[]`)
    if (read.kind === 'map' && written.kind === 'map')
      return compare(read.values, written.values, `${path}{}`)
    if (read.kind === 'enum' && written.kind === 'enum') return enums(read, written, path)
    if (read.kind === 'fixed' && written.kind === 'fixed') return fixeds(read, written, path)
    if (read.kind === 'record' && written.kind === 'record') return records(read, written, path)
    return logicalTypes(read, written, path)
  }

  const records = (read: RecordNode, written: RecordNode, path: string): Mismatch[] => {
    const against = open.get(read) ?? new Set()
    if (against.has(written)) return []
    open.set(read, against.add(written))
    const faults = [...names(read, written, path), ...fields(read, written, path)]
    against.delete(written)
    return faults
  }

  const fields = (read: RecordNode, written: RecordNode, path: string): Mismatch[] => {
    const sources = new Map(written.fields.map(field => [field.name, field]))
    return read.fields.flatMap(field => {
      const at = path === '' ? field.name : `${path}.${field.name}`
      const source = [field.name, ...field.aliases].map(name => sources.get(name)).find(Boolean)
      if (source !== undefined) return compare(field.type, source.type, at)
      return field.hasDefault
        ? []
        : [{ rule: 'default' as const, path: at, reader: field.name, writer: 'nothing' }]
    })
  }

  return compare(reader, writer, '')
}

const enums = (read: EnumNode, written: EnumNode, path: string): Mismatch[] => {
  const renamed = names(read, written, path)
  if (renamed.length > 0 || read.hasDefault) return renamed
  const unknown = written.symbols.filter(symbol => !read.symbols.includes(symbol))
  if (unknown.length === 0) return []
  return [{ rule: 'enum', path, reader: read.symbols.join(', '), writer: unknown.join(', ') }]
}

const fixeds = (read: FixedNode, written: FixedNode, path: string): Mismatch[] => {
  const renamed = names(read, written, path)
  if (renamed.length > 0) return renamed
  if (read.size !== written.size)
    return [{ rule: 'fixed', path, reader: `${read.size} bytes`, writer: `${written.size} bytes` }]
  return logicalTypes(read, written, path)
}

const names = (
  read: RecordNode | EnumNode | FixedNode,
  written: RecordNode | EnumNode | FixedNode,
  path: string,
): Mismatch[] =>
  unqualified(read.name) === unqualified(written.name) || read.aliases.includes(written.name)
    ? []
    : [{ rule: 'name', path, reader: read.name, writer: written.name }]

const logicalOf = (node: AvroNode): string | undefined =>
  'logicalType' in node ? (node satisfies PrimitiveNode | FixedNode).logicalType : undefined

const logicalTypes = (read: AvroNode, written: AvroNode, path: string): Mismatch[] => {
  const [reader, writer] = [logicalOf(read), logicalOf(written)]
  return reader === undefined || writer === undefined || reader === writer
    ? []
    : [{ rule: 'logical-type', path, reader, writer }]
}

/** Whether a reader's branch is what the writer's type once was: of its kind and, where it has one, its name. */
const isMeant = (branch: AvroNode, written: AvroNode): boolean =>
  branch.kind === written.kind &&
  (!('name' in branch && 'name' in written) || unqualified(branch.name) === unqualified(written.name))

const wordFor = (node: AvroNode): string => {
  if ('name' in node) return `${node.kind} ${unqualified(node.name)}`
  return logicalOf(node) ?? node.kind
}
