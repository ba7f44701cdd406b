/** Two versions of one schema, and what each direction breaks: rule and path per fault, none where it can be read. */
export interface SchemaPair {
  readonly name: string
  readonly older: object
  readonly newer: object
  /** The newer schema reading older values. */
  readonly backward: readonly string[]
  /** The older schema reading newer values. */
  readonly forward: readonly string[]
  /** Where the registry's verdict on FULL differs from ours, and why that is right. */
  readonly registryDiffers?: string
}

const record = (...fields: object[]): object => ({ type: 'record', name: 'Order', namespace: 'shop', fields })
const of = (type: unknown, more: object = {}): object => record({ name: 'n', type, ...more })
const enumeration = (symbols: string[], more: object = {}): object => ({
  type: 'enum',
  name: 'E',
  symbols,
  ...more,
})
const fixed = (size: number, name = 'F'): object => ({ type: 'fixed', name, size })
const array = (items: unknown): object => ({ type: 'array', items })
const map = (values: unknown): object => ({ type: 'map', values })
const inner = (...fields: object[]): object => ({ type: 'record', name: 'Inner', fields })
const logical = (type: string, logicalType: string, more: object = {}): object => ({
  type,
  logicalType,
  ...more,
})
const decimal = (precision: number, scale: number): object =>
  logical('bytes', 'decimal', { precision, scale })

const id = { name: 'id', type: 'string' }
const x = { name: 'x', type: 'int' }
const xWithDefault = { ...x, default: 0 }
const tree = (...fields: object[]): object => ({
  type: 'record',
  name: 'Tree',
  fields: [...fields, { name: 'next', type: ['null', 'Tree'], default: null }],
})

const same = (name: string, older: object, newer: object): SchemaPair => ({
  name,
  older,
  newer,
  backward: [],
  forward: [],
})
const broken = (
  name: string,
  older: object,
  newer: object,
  backward: readonly string[],
  forward: readonly string[],
): SchemaPair => ({ name, older, newer, backward, forward })

/** The table that our rules and the registry's are held against. */
export const pairs: readonly SchemaPair[] = [
  // Fields and defaults.
  same('field with a default added', record(id), record(id, xWithDefault)),
  same('field with a default removed', record(id, xWithDefault), record(id)),
  same('fields in another order', record(id, x), record(x, id)),
  same('nullable field added', record(id), record(id, { name: 'x', type: ['null', 'int'], default: null })),
  same('doc changed', record(id), { ...record(id), doc: 'An order.' }),
  broken('field added without a default', record(id), record(id, x), ['default x'], []),
  broken('field removed that had no default', record(id, x), record(id), [], ['default x']),
  broken('field renamed', record(id), record({ ...id, name: 'key' }), ['default key'], ['default id']),
  broken(
    'field renamed, with an alias',
    record(id),
    record({ name: 'key', type: 'string', aliases: ['id'] }),
    [],
    ['default id'],
  ),
  broken('default lost', record(id), record(id, x), ['default x'], []),

  // Promotions.
  broken('int to long', of('int'), of('long'), [], ['type n']),
  broken('int to float', of('int'), of('float'), [], ['type n']),
  broken('int to double', of('int'), of('double'), [], ['type n']),
  broken('long to float', of('long'), of('float'), [], ['type n']),
  broken('long to double', of('long'), of('double'), [], ['type n']),
  broken('float to double', of('float'), of('double'), [], ['type n']),
  same('string to bytes', of('string'), of('bytes')),
  broken('int to string', of('int'), of('string'), ['type n'], ['type n']),
  broken('boolean to int', of('boolean'), of('int'), ['type n'], ['type n']),
  broken('int to null', of('int'), of('null'), ['type n'], ['type n']),

  // Unions.
  broken('null allowed', of('int'), of(['null', 'int']), [], ['union n']),
  broken('null forbidden', of(['null', 'int']), of('int'), ['union n'], []),
  broken('branch added', of(['null', 'int']), of(['null', 'int', 'string']), [], ['union n']),
  broken('branch removed', of(['null', 'int', 'string']), of(['null', 'int']), ['union n'], []),
  same('branches in another order', of(['null', 'int']), of(['int', 'null'])),
  broken('branch promoted', of(['null', 'int']), of(['null', 'long']), [], ['union n']),
  broken('branch of another type', of(['null', 'int']), of(['null', 'boolean']), ['union n'], ['union n']),
  broken(
    'field added within a branch',
    of(['null', inner(id)]),
    of(['null', inner(id, x)]),
    ['default n.x'],
    [],
  ),
  same('union of one branch', of('int'), of(['int'])),

  // Enums.
  broken('symbol added', of(enumeration(['a'])), of(enumeration(['a', 'b'])), [], ['enum n']),
  broken('symbol removed', of(enumeration(['a', 'b'])), of(enumeration(['a'])), ['enum n'], []),
  same('symbols in another order', of(enumeration(['a', 'b'])), of(enumeration(['b', 'a']))),
  same(
    'symbol added to enums with a default',
    of(enumeration(['a'], { default: 'a' })),
    of(enumeration(['a', 'b'], { default: 'a' })),
  ),
  broken(
    'symbol added, the default only now',
    of(enumeration(['a'])),
    of(enumeration(['a', 'b'], { default: 'a' })),
    [],
    ['enum n'],
  ),
  broken(
    'enum renamed',
    of(enumeration(['a'])),
    of(enumeration(['a'], { name: 'D' })),
    ['name n'],
    ['name n'],
  ),

  // Fixed.
  same('fixed of the same size', of(fixed(4)), of(fixed(4))),
  broken('fixed of another size', of(fixed(4)), of(fixed(5)), ['fixed n'], ['fixed n']),
  broken('fixed renamed', of(fixed(4)), of(fixed(4, 'G')), ['name n'], ['name n']),
  broken('fixed to bytes', of(fixed(4)), of('bytes'), ['type n'], ['type n']),

  // Arrays and maps.
  same('array of the same', of(array('int')), of(array('int'))),
  broken('items promoted', of(array('int')), of(array('long')), [], ['type n[]']),
  broken('items of another type', of(array('int')), of(array('string')), ['type n[]'], ['type n[]']),
  broken('field added to items', of(array(inner(id))), of(array(inner(id, x))), ['default n[].x'], []),
  broken('values of another type', of(map('int')), of(map('string')), ['type n{}'], ['type n{}']),
  broken(
    'field removed deep down',
    of(map(array(inner(id, x)))),
    of(map(array(inner(id)))),
    [],
    ['default n{}[].x'],
  ),
  broken('array to map', of(array('int')), of(map('int')), ['type n'], ['type n']),

  // Names.
  broken('record renamed', record(id), { ...record(id), name: 'Purchase' }, ['name'], ['name']),
  broken(
    'record renamed, with an alias',
    record(id),
    { ...record(id), name: 'Purchase', aliases: ['Order'] },
    [],
    ['name'],
  ),
  {
    ...same('record moved to another namespace', record(id), { ...record(id), namespace: 'store' }),
    registryDiffers: '',
  },
  same(
    'reference by name and by full name',
    record({ name: 'a', type: fixed(2) }, { name: 'b', type: 'F' }),
    record({ name: 'a', type: fixed(2) }, { name: 'b', type: 'shop.F' }),
  ),
  broken(
    'type behind a reference changed',
    record({ name: 'a', type: fixed(2) }, { name: 'b', type: 'F' }),
    record({ name: 'a', type: fixed(3) }, { name: 'b', type: 'F' }),
    ['fixed a', 'fixed b'],
    ['fixed a', 'fixed b'],
  ),

  // Recursion.
  same('recursive, unchanged', tree(), tree()),
  same('recursive, field with a default added', tree(), tree(xWithDefault)),
  broken('recursive, field added', tree(id), tree(id, x), ['default x'], []),

  // Logical types.
  same('decimal unchanged', of(decimal(9, 2)), of(decimal(9, 2))),
  broken(
    'decimal of another scale',
    of(decimal(9, 2)),
    of(decimal(9, 3)),
    ['logical-type n'],
    ['logical-type n'],
  ),
  broken(
    'decimal of another precision',
    of(decimal(9, 2)),
    of(decimal(10, 2)),
    ['logical-type n'],
    ['logical-type n'],
  ),
  broken(
    'milliseconds to microseconds',
    of(logical('long', 'timestamp-millis')),
    of(logical('long', 'timestamp-micros')),
    ['logical-type n'],
    ['logical-type n'],
  ),
  same('long to timestamp', of('long'), of(logical('long', 'timestamp-millis'))),
  same('string to uuid', of('string'), of(logical('string', 'uuid'))),
  same(
    'a logical type that is none here',
    of(logical('string', 'timestamp-millis')),
    of(logical('string', 'date')),
  ),
  same('a logical type that nobody knows', of(logical('string', 'url')), of(logical('string', 'iri'))),
]
