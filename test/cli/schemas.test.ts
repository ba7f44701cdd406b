import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, afterAll, describe, expect, test } from 'vitest'
import { memorySchemaRegistry } from '../../src/codec/memory-registry.ts'
import { checkSchemas, reviewSchemas } from '../../src/cli/schemas/check-schemas.ts'
import { listSubjects } from '../../src/cli/schemas/list-schemas.ts'
import { declaredSchemas } from '../../src/cli/schemas/local-schemas.ts'
import { registerAll } from '../../src/cli/schemas/register-schemas.ts'
import { renderRegistrations, renderReviews, renderSubjects } from '../../src/cli/schemas/render-schemas.ts'
import { topics } from '../../schemas/index.ts'

const record = (...fields: object[]): string => JSON.stringify({ type: 'record', name: 'Bin', fields })
const id = { name: 'id', type: 'string' }
const size = { name: 'size', type: 'int' }
const local = (name: string, schema: string) => ({ subject: `${name}-value`, schema })

test('every schema of the project is declared, those of changelogs and repartition topics too', () => {
  expect(declaredSchemas().map(({ subject }) => subject)).toEqual(topics.map(topic => `${topic}-value`))
})

describe('against a registry', () => {
  const setUp = async () => {
    const registry = memorySchemaRegistry()
    await registerAll([local('a', record(id)), local('b', record(id))], registry)
    return registry
  }

  test('says of each subject how it stands, and changes nothing', async () => {
    const registry = await setUp()
    const next = [
      local('a', record(id)),
      local('b', record(id, size)),
      local('c', record(id)),
      local('a', record(id, { ...size, default: 0 })),
    ]
    const reviews = await reviewSchemas(next, registry)
    expect(renderReviews(reviews)).toBe(
      [
        'a-value  equal to version 1 (id 1)',
        'b-value  incompatible',
        '  default: field `size` was added without a default: values of version 1 cannot be read with the new schema',
        '    -> give `size` a default, or its old name as an alias where it was renamed',
        'c-value  no version yet',
        'a-value  new version, compatible with version 1',
        '4 schemas: 1 incompatible',
      ].join('\n'),
    )
    expect(await registry.subjects()).toEqual(['a-value', 'b-value'])
    expect(await registry.versions('b-value')).toHaveLength(1)
  })

  test('compares with all versions, not with the last alone, and names a level that is too weak', async () => {
    const registry = memorySchemaRegistry()
    await registry.setCompatibility('a-value', 'NONE')
    await registry.register('a-value', record(id))
    await registry.register('a-value', record(id, size))
    const [review] = await reviewSchemas([local('a', record(id, size))], registry)
    expect(review).toMatchObject({ verdict: 'incompatible', version: 2, versions: [1, 2], level: 'NONE' })
    expect(renderReviews(review === undefined ? [] : [review])).toMatch(
      /incompatible, although it is version 2\n.*version 1.*\n.*\n {2}its level is NONE: `sluice schemas register` sets FULL_TRANSITIVE\n/,
    )
  })

  test('registers what goes together, refuses the rest by field and rule, and is safe to repeat', async () => {
    const registry = await setUp()
    const next = [local('a', record(id, { ...size, default: 0 })), local('b', record(id, size))]
    const first = await registerAll(next, registry)
    expect(renderRegistrations(first)).toMatch(
      /^a-value {2}version 2, id 2\nb-value {2}refused\n.*b-value.*field `size` was added without a default.*\n {4}-> give `size` a default/,
    )
    expect(await registry.compatibility('a-value')).toBe('FULL_TRANSITIVE')
    expect(await registry.versions('b-value')).toHaveLength(1)
    expect(renderRegistrations(await registerAll(next, registry))).toMatch(
      /^a-value {2}version 2, id 2 \(was there\)\n/,
    )
  })

  test('raises a level that is too weak, also where nothing is to be registered', async () => {
    const registry = memorySchemaRegistry()
    await registry.register('a-value', record(id))
    await registerAll([local('a', record(id))], registry)
    expect(await registry.compatibility('a-value')).toBe('FULL_TRANSITIVE')
  })

  test('lists what is there, and what is yet to come', async () => {
    const registry = await setUp()
    const [declared] = declaredSchemas()
    if (declared === undefined) throw new Error('no schema is declared')
    await registerAll([declared], registry)
    const listed = await listSubjects(registry)
    expect(listed).toHaveLength(2 + topics.length)
    expect(listed[0]).toEqual({
      subject: 'a-value',
      versions: [{ version: 1, id: 1 }],
      level: 'FULL_TRANSITIVE',
      verdict: undefined,
      current: undefined,
    })
    expect(renderSubjects(listed).split('\n').slice(3, 5)).toEqual([
      expect.stringMatching(/^order-confirmed-value +1 \(2\) +FULL_TRANSITIVE {2}1$/),
      expect.stringMatching(/^order-created-value +- +- +new$/),
    ])
  })
})

describe('against folders of former releases', () => {
  let folder: string
  const file = async (place: string, schema: string): Promise<void> => {
    await mkdir(join(folder, place, '..'), { recursive: true })
    await writeFile(join(folder, place), schema)
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-schemas-'))
    await file('v1/bin.avsc', record(id))
    await file('v2/bin.avsc', record(id, { ...size, default: 0 }))
    await file('next/bin.avsc', record(id, { ...size, type: 'string', default: '' }))
    await file('next/shelf.avsc', record(id))
    await file('bad/bin.avsc', '{"type":"array","items":"null"}')
  })
  afterAll(() => rm(folder, { recursive: true }))

  test('needs no registry, and names the folder of each version', async () => {
    const against = [join(folder, 'v1'), join(folder, 'v2')]
    const reviews = await checkSchemas([join(folder, 'next')], against)
    expect(reviews.map(({ subject, verdict }) => [subject, verdict])).toEqual([
      ['bin-value', 'incompatible'],
      ['shelf-value', 'new'],
    ])
    const text = renderReviews(reviews, against)
    expect(text).toContain(`version 2 is that of ${folder}/v2\n`)
    expect(text).toContain('type: `size` changed from int to string: values of version 2 cannot be read')
    expect(await checkSchemas([join(folder, 'v2/bin.avsc')], against)).toMatchObject([
      { subject: 'bin-value', verdict: 'equal', version: 2 },
    ])
  })

  test('a file whose values could not be decoded safely is refused by name', async () => {
    await expect(checkSchemas([join(folder, 'bad')], [join(folder, 'v1')])).rejects.toMatchObject({
      code: 'SLUICE_CODEC_SCHEMA_REFUSED',
      message: expect.stringMatching(/bad\/bin.avsc: .*items that take no bytes/) as string,
    })
  })
})
