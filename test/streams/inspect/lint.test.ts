import { describe, expect, test } from 'vitest'
import { utf8 } from '../../../src/codec/serde.ts'
import {
  aggregate,
  avroFormat,
  from,
  merge,
  repartition,
  store,
  to,
  topic,
  topology,
  type Message,
  type Placed,
  type Topology,
} from '../../../src/streams/dsl/index.ts'
import { documentOf } from '../../../src/streams/inspect/document.ts'
import { lint, renderLint } from '../../../src/streams/inspect/lint/lint.ts'
import { lintRules } from '../../../src/streams/inspect/lint/rules.ts'
import { topologies } from '../../../topology/index.ts'
import { counting, countSchema, type Count } from './support/topologies.ts'

const found = (...of: readonly Topology[]): string[] =>
  lint(of.map(documentOf)).map(({ topology, rule, of }) => `${topology} ${rule} ${of}`)

const value = avroFormat<Count>(countSchema())
const latin1 = {
  encode: (text: string) => Buffer.from(text, 'latin1'),
  decode: (bytes: Buffer) => bytes.toString('latin1'),
}
const bounded = { allow: [{ rule: 'unbounded-state', of: 'word-counts', because: 'few words' }] }

test('our own topologies have nothing to object to', () => {
  const findings = lint(Object.values(topologies).map(documentOf))
  expect(renderLint(findings, 3)).toBe(`3 topologies, ${lintRules.length} rules: nothing to object to\n`)
})

describe('each rule finds what it is for:', () => {
  const words = topic('words', { key: utf8, value })
  const other = topic('other-words', { key: utf8, value, partitions: 8 })
  const counts = store('word-counts', { key: utf8, value, retentionMs: 1 })
  const add = aggregate<Message<Placed<string>, Count>, string, Count>(
    'count-words',
    counts,
    (_, m) => m.value,
  )
  const cases: Readonly<Record<string, readonly [Topology[], string[]]>> = {
    'generic-name': [[counting({ storeName: 'store', retentionMs: 1 })], ['counting generic-name store']],
    'long-name': [
      [counting({ storeName: 'w'.repeat(240), retentionMs: 1 })],
      [`counting long-name counting-${'w'.repeat(240)}-changelog`],
    ],
    'name-clash': [
      [
        counting({ name: 'shop', storeName: 'eu-words', retentionMs: 1, repartitionName: 'one' }),
        counting({ name: 'shop-eu', storeName: 'words', retentionMs: 1, repartitionName: 'two' }),
      ],
      ['shop name-clash shop-eu-words-changelog', 'shop-eu name-clash shop-eu-words-changelog'],
    ],
    'unbounded-state': [[counting()], ['counting unbounded-state word-counts']],
    'own-input': [
      [topology('echo', { 'send-again': from(words).pipe(to(words)) })],
      ['echo own-input send-again'],
    ],
    'no-schema': [
      [
        counting({
          retentionMs: 1,
          topicValue: { encode: () => Buffer.alloc(0), decode: () => ({ count: 0 }) },
        }),
      ],
      ['counting no-schema counts'],
    ],
    'effect-repeats': [[counting({ retentionMs: 1, idempotent: ' ' })], ['counting effect-repeats announce']],
    'input-not-kept': [
      [
        topology('keep', {
          'write-words': from(
            topic('short-lived', { key: utf8, value, config: { 'retention.ms': '1000' } }),
          ).pipe(add, to(words)),
        }),
      ],
      ['keep input-not-kept short-lived'],
    ],
    'not-copartitioned': [
      [
        topology('both', {
          'write-words': merge(from(words), from(other)).pipe(add, to(topic('sums', { key: utf8, value }))),
        }),
      ],
      ['both not-copartitioned words+other-words'],
    ],
    'idle-repartition': [
      [
        topology('idle', {
          'write-words': from(words).pipe(repartition('by-word', { key: utf8, value }), to(other)),
        }),
      ],
      ['idle idle-repartition by-word-repartition'],
    ],
  }

  test.each(lintRules.map(({ id }) => id))('%s', id => {
    const [of, expected] = cases[id] ?? [[], ['no case']]
    expect(found(...of)).toEqual(expected)
  })

  test('keys of other formats never meet, either', () => {
    const strange = topic('strange-words', { key: latin1, value })
    const both = topology('both', {
      'write-words': merge(from(words), from(strange)).pipe(add, to(topic('sums', { key: utf8, value }))),
    })
    expect(found(both)).toEqual(['both not-copartitioned words+strange-words'])
  })
})

describe('an allowance', () => {
  test('silences its rule for its name, and nothing else', () => {
    expect(found(counting({ options: bounded }))).toEqual([])
    expect(found(counting({ options: bounded, idempotent: '' }))).toEqual([
      'counting effect-repeats announce',
    ])
  })

  test('that nothing needs, or that gives no reason, is found itself', () => {
    expect(found(counting({ options: bounded, retentionMs: 1 }))).toEqual([
      'counting unused-allowance word-counts',
    ])
    const silent = { allow: [{ rule: 'unbounded-state', of: 'word-counts', because: '' }] }
    expect(found(counting({ options: silent }))).toEqual(['counting unused-allowance word-counts'])
  })
})

test('every rule has a reason and a remedy', () => {
  for (const { reason, remedy } of lintRules) {
    expect(reason.length).toBeGreaterThan(30)
    expect(remedy.length).toBeGreaterThan(10)
  }
})
