import { readFileSync, readdirSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'

// The house rules of CONTRIBUTING.md, as far as a machine can see them.

const root = resolve(import.meta.dirname, '..')

/** Layers from the bottom; a file imports its own folder and layers below, never a sibling or one above. */
const layers: readonly (readonly string[])[] = [
  ['src/core'],
  ['src/codec', 'src/kafka', 'src/postgres', 'src/cassandra', 'src/stack', 'src/testing'],
  ['src/streams/dsl', 'schemas', 'topology'],
  ['src/streams/state'],
  ['src/streams/engine'],
  ['src/streams/inspect', 'src/streams/dead-letters'],
  ['src/streams/runtime', 'src/streams/testing', 'src/cdc'],
  ['src/app', 'src/replay'],
  ['src/orders', 'src/check'],
  ['src/cli'],
]

/** Imports that layers alone would allow or forbid otherwise, each with its reason. */
const exceptions: Readonly<
  Record<string, { readonly only?: readonly string[]; readonly also?: readonly string[] }>
> = {
  // Could be published alone, and starts the servers that all others need.
  'src/stack': { only: ['src/core'] },
  // Stands between any client and any server, and could be published alone.
  'src/testing': { only: ['src/core'] },
  // An audit that shared code with what it audits would share its mistakes.
  'src/check': { only: ['src/core'] },
  // The topology is written in the DSL's words and knows no runtime.
  topology: { also: ['src/streams/dsl', 'schemas'] },
  // The driver runs the real engine on a log in memory.
  'src/streams/testing': { also: ['src/streams/runtime'] },
}

const longestFileLines = 400

interface SourceFile {
  readonly path: string
  readonly text: string
  readonly layer: string | undefined
  /** Imported paths relative to the root for files of ours, package names for others. */
  readonly imports: readonly string[]
}

const folders = ['src', 'topology', 'schemas', 'test']

const filesIn = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && entry.name.endsWith('.ts'))
    .map(entry => relative(root, join(entry.parentPath, entry.name)))

const layerOf = (path: string): string | undefined =>
  layers
    .flat()
    .filter(folder => path.startsWith(`${folder}/`))
    .sort((left, right) => right.length - left.length)[0]

const importsOf = (path: string, text: string): string[] =>
  [...text.matchAll(/(?:\bfrom\s+|^import\s+|\bimport\(\s*)'([^']+)'/gm)].map(([, specifier = '']) =>
    specifier.startsWith('.') ? relative(root, resolve(root, dirname(path), specifier)) : specifier,
  )

const files: readonly SourceFile[] = folders.flatMap(filesIn).map(path => {
  const text = readFileSync(join(root, path), 'utf8')
  return { path, text, layer: layerOf(path), imports: importsOf(path, text) }
})
const sources = files.filter(({ path }) => !path.startsWith('test/'))

/** The text without comments, so that what is only mentioned is not taken for used. */
const codeOf = (text: string): string =>
  text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/(^|\s)\/\/.*$/gm, '$1')

const offenders = (pattern: RegExp, allowed: readonly string[], among = sources): string[] =>
  among
    .filter(({ path }) => !allowed.some(place => path.startsWith(place)))
    .filter(({ text }) => pattern.test(codeOf(text)))
    .map(({ path }) => path)

describe('layers', () => {
  test('every source file belongs to a layer', () => {
    expect(sources.filter(({ layer }) => layer === undefined).map(({ path }) => path)).toEqual([])
  })

  test('imports go down only', () => {
    const height = (layer: string): number => layers.findIndex(folders => folders.includes(layer))
    const wrong = sources.flatMap(({ path, layer, imports }) =>
      imports.flatMap(imported => {
        const target = layerOf(imported)
        if (layer === undefined || target === undefined || target === layer) return []
        const { only, also } = exceptions[layer] ?? {}
        if (also?.includes(target) === true) return []
        const isAllowed = only === undefined ? height(target) < height(layer) : only.includes(target)
        return isAllowed ? [] : [`${path} imports ${imported}`]
      }),
    )
    expect(wrong).toEqual([])
  })

  test('no source file imports a test', () => {
    expect(
      sources.filter(({ imports }) => imports.some(path => path.startsWith('test/'))).map(({ path }) => path),
    ).toEqual([])
  })

  test.each([
    ['@platformatic/kafka', ['src/kafka', 'src/check']],
    ['cassandra-driver', ['src/cassandra', 'src/check', 'src/stack']],
    ['pg-logical-replication', ['src/cdc']],
    ['fastify', ['src/orders/http']],
    ['commander', ['src/cli']],
    ['@dagrejs/dagre', ['src/streams/inspect']],
    ['rxjs', ['src/streams', 'src/cdc', 'topology']],
  ])('%s is imported only in %s', (name, places) => {
    const users = sources.filter(({ imports }) =>
      imports.some(path => path === name || path.startsWith(`${name}/`)),
    )
    expect(
      users.filter(({ path }) => !places.some(place => path.startsWith(`${place}/`))).map(({ path }) => path),
    ).toEqual([])
  })
})

describe('files', () => {
  test(`none is longer than ${longestFileLines} lines`, () => {
    const tooLong = files.filter(({ text }) => text.split('\n').length - 1 > longestFileLines)
    expect(tooLong.map(({ path }) => path)).toEqual([])
  })

  test('names are kebab-case', () => {
    expect(files.filter(({ path }) => !/^[a-z0-9./-]+$/.test(path)).map(({ path }) => path)).toEqual([])
  })

  test('nothing is left to be done later in a comment', () => {
    const pattern = new RegExp(
      `\\b(${['TO', 'FIX'].map((word, index) => word + (index === 0 ? 'DO' : 'ME')).join('|')})\\b`,
    )
    expect(files.filter(({ text }) => pattern.test(text)).map(({ path }) => path)).toEqual([])
  })
})

describe('calls', () => {
  test('time comes from a Clock', () => {
    const pattern = /\bDate\.now\(|\bnew Date\(\)|\bperformance\.now\(/
    expect(offenders(pattern, ['src/core/clock.ts'])).toEqual([])
  })

  test('randomness is passed in', () => {
    expect(offenders(/\bMath\.random\b/, ['src/core/'])).toEqual([])
  })

  test('only the CLI prints', () => {
    expect(offenders(/\bconsole\.|\bprocess\.std(out|err)\b/, ['src/cli'])).toEqual([])
  })

  test('types are not talked out of', () => {
    expect(offenders(/\bas unknown as\b|:\s*any\b|\bas any\b|@ts-(ignore|nocheck)/, [])).toEqual([])
  })
})

describe('error codes', () => {
  const listed = [
    ...readFileSync(join(root, 'docs/errors.md'), 'utf8').matchAll(/^\|\s*`(SLUICE_[A-Z0-9_]+)`/gm),
  ].map(([, code = '']) => code)
  // Environment variables share the prefix; a code always stands in quotes and is no variable of ours.
  const variables =
    /^SLUICE_(POSTGRES_URL|KAFKA|CASSANDRA|CASSANDRA_DATACENTER|REGISTRY_URL|KEYSPACE|API_URL|API_PORT|SESSION_TIMEOUT_MS|STACK|CACHE_DIR|MAVEN_BASE_URL|CRASH_[A-Z]+|TEST_[A-Z_]+)$/
  const used = new Set(
    sources
      .flatMap(({ text }) => [...codeOf(text).matchAll(/['"`](SLUICE_[A-Z0-9]+_[A-Z0-9_]*[A-Z0-9])['"`]/g)])
      .map(([, code = '']) => code)
      .filter(code => !variables.test(code)),
  )

  test('each is listed once in docs/errors.md', () => {
    expect(listed.filter((code, index) => listed.indexOf(code) !== index)).toEqual([])
    expect([...used].filter(code => !listed.includes(code)).sort()).toEqual([])
  })

  test('docs/errors.md lists none that is gone', () => {
    expect(listed.filter(code => !used.has(code))).toEqual([])
  })
})
