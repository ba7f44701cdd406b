import { readFileSync, readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { generateSchemaTypes } from '../../scripts/generate-schema-types.ts'
import { topics } from '../../schemas/index.ts'

const folder = new URL('../../schemas/', import.meta.url)

test('schemas/types.ts is what the .avsc files say; if not: node scripts/generate-schema-types.ts', () => {
  expect(readFileSync(new URL('types.ts', folder), 'utf8')).toBe(generateSchemaTypes())
})

test('schemas/index.ts names every .avsc file', () => {
  const files = readdirSync(folder).filter(name => name.endsWith('.avsc'))
  expect(topics.map(topic => `${topic}.avsc`).toSorted()).toEqual(files.toSorted())
})
