import { expect, test } from 'vitest'
import { incompatibilities, unreadable } from '../../src/codec/compatibility.ts'
import { schemas } from '../../schemas/index.ts'
import { pairs } from './support/schema-pairs.ts'

const record = (...fields: object[]): object => ({ type: 'record', name: 'Order', fields })
const id = { name: 'id', type: 'string' }
const version = (number: number, schema: object) => ({ version: number, schema: JSON.stringify(schema) })
const faultsOf = (next: object, ...earlier: object[]) =>
  incompatibilities(
    'FULL_TRANSITIVE',
    JSON.stringify(next),
    earlier.map((schema, index) => version(index + 1, schema)),
  )

test.each(pairs)('$name', ({ older, newer, backward, forward }) => {
  expect(unreadable(newer, older).map(({ rule, path }) => `${rule} ${path}`.trim())).toEqual(backward)
  expect(unreadable(older, newer).map(({ rule, path }) => `${rule} ${path}`.trim())).toEqual(forward)
})

test('every schema of the project reads itself', () => {
  for (const schema of Object.values(schemas)) expect(unreadable(schema, schema)).toEqual([])
})

test('a field without a default names path, versions and what to do', () => {
  const line = (...more: object[]): object => ({
    name: 'lines',
    type: { type: 'array', items: { type: 'record', name: 'Line', fields: [id, ...more] } },
  })
  const next = record(id, line({ name: 'unitPriceMinor', type: 'long' }))
  const defaulted = line({ name: 'unitPriceMinor', type: 'long', default: 0 })
  expect(faultsOf(next, record(id, line()), record(id, defaulted), record(id, line()))).toEqual([
    {
      rule: 'default',
      path: 'lines[].unitPriceMinor',
      direction: 'backward',
      versions: [1, 3],
      message:
        'field `lines[].unitPriceMinor` was added without a default: values of versions 1 and 3 cannot be read with the new schema',
      remedy: 'give `lines[].unitPriceMinor` a default, or its old name as an alias where it was renamed',
    },
  ])
})

const both = (before: object, after: object): string[] =>
  faultsOf(after, before).map(({ message }) => message)

test.each([
  [
    'a field that is gone',
    record(id, { name: 'n', type: 'int' }),
    record(id),
    [
      'field `n` was removed, and version 1 has no default for it: readers of version 1 cannot read values of the new schema',
    ],
  ],
  [
    'another type',
    record({ name: 'n', type: 'int' }),
    record({ name: 'n', type: 'boolean' }),
    [
      '`n` changed from int to boolean: values of version 1 cannot be read with the new schema',
      '`n` changed from int to boolean: readers of version 1 cannot read values of the new schema',
    ],
  ],
  [
    'null that is allowed now',
    record({ name: 'n', type: 'int' }),
    record({ name: 'n', type: ['null', 'int'] }),
    ['`n` now takes null, too: readers of version 1 cannot read values of the new schema'],
  ],
  [
    'null that is not allowed any more',
    record({ name: 'n', type: ['null', 'int'] }),
    record({ name: 'n', type: 'int' }),
    ['`n` no longer takes null: values of version 1 cannot be read with the new schema'],
  ],
  [
    'two more symbols',
    record({ name: 'e', type: { type: 'enum', name: 'E', symbols: ['a'] } }),
    record({ name: 'e', type: { type: 'enum', name: 'E', symbols: ['a', 'b', 'c'] } }),
    [
      'symbols b, c were added to enum `e`, which has no default in version 1: readers of version 1 cannot read values of the new schema',
    ],
  ],
  [
    'one symbol less',
    record({ name: 'e', type: { type: 'enum', name: 'E', symbols: ['a', 'b'] } }),
    record({ name: 'e', type: { type: 'enum', name: 'E', symbols: ['a'] } }),
    [
      'symbol b of enum `e` was removed, and the enum has no default: values of version 1 cannot be read with the new schema',
    ],
  ],
  [
    'a decimal of another scale',
    record({ name: 'd', type: { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 } }),
    record({ name: 'd', type: { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 3 } }),
    [
      '`d` changed from decimal(9,2) to decimal(9,3): values of version 1 cannot be read with the new schema',
      '`d` changed from decimal(9,2) to decimal(9,3): readers of version 1 cannot read values of the new schema',
    ],
  ],
  [
    'the whole',
    { type: 'string' },
    { type: 'int' },
    [
      'the value changed from string to int: values of version 1 cannot be read with the new schema',
      'the value changed from string to int: readers of version 1 cannot read values of the new schema',
    ],
  ],
])('in words: %s', (_, before, after, messages) => {
  expect(both(before, after)).toEqual(messages)
})

test('transitive levels look at all versions, the others at the last', () => {
  const first = version(1, record(id, { name: 'a', type: 'int', default: 0 }))
  const last = version(2, record(id))
  const next = JSON.stringify(record(id, { name: 'a', type: 'string', default: '' }))
  expect(incompatibilities('FULL', next, [first, last])).toEqual([])
  expect(incompatibilities('FULL_TRANSITIVE', next, [first, last])).not.toEqual([])
  expect(incompatibilities('NONE', next, [first, last])).toEqual([])
})

test('schemas too entangled to compare are refused, not compared for ever', () => {
  // Each level twice: 2^30 paths from one end to the other.
  let type: unknown = 'int'
  for (let level = 0; level < 30; level += 1) {
    const fields = [
      { name: 'a', type },
      { name: 'b', type: level === 0 ? 'int' : `L${level - 1}` },
    ]
    type = { type: 'record', name: `L${level}`, fields }
  }
  expect(() => unreadable(type, type)).toThrow(
    expect.objectContaining({ code: 'SLUICE_CODEC_SCHEMA_REFUSED' }),
  )
})

test.each([
  ['a name that is not defined', '"Nowhere"'],
  ['a name that is defined twice', [1, 2].map(() => ({ type: 'fixed', name: 'F', size: 1 }))],
  ['no schema', 7],
  ['a record without a name', { type: 'record', fields: [] }],
])('refused: %s', (_, schema) => {
  expect(() => unreadable(schema, schema)).toThrow(
    expect.objectContaining({ code: 'SLUICE_CODEC_SCHEMA_REFUSED' }),
  )
})
