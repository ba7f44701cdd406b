import { describe, expect, test } from 'vitest'
import { diffTopologies, diffTopology, type TopologyDiff } from '../../../src/streams/inspect/diff/diff.ts'
import { renderDiff } from '../../../src/streams/inspect/diff/render-diff.ts'
import { documentOf } from '../../../src/streams/inspect/document.ts'
import { topologies } from '../../../topology/index.ts'
import { counting, countSchema, type Variant } from './support/topologies.ts'

const before = documentOf(counting())
const to = (variant: Variant): TopologyDiff => diffTopology(before, documentOf(counting(variant)))

/** Everything that is not as before, shortly. */
const changes = (diff: TopologyDiff): string[] =>
  diff.findings
    .filter(({ fate }) => fate !== 'survives')
    .map(
      ({ fate, subject, name, needsAction }) => `${fate} ${subject} ${name}${needsAction ? ' (action)' : ''}`,
    )

const adviceFor = (diff: TopologyDiff, name: string): string =>
  diff.findings.find(finding => finding.name === name && finding.advice !== null)?.advice ?? ''

test('a topology is compatible with itself, and all of it survives', () => {
  for (const topology of Object.values(topologies)) {
    const document = documentOf(topology)
    const diff = diffTopology(document, document)
    expect(diff.compatible).toBe(true)
    expect(changes(diff)).toEqual([])
    expect(diff.findings.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        ...document.stores.map(({ name }) => name),
        ...document.topics.map(({ brokerName }) => brokerName),
      ]),
    )
  }
})

describe('a store', () => {
  test('under a new name is empty, and the old changelog is orphaned', () => {
    const diff = to({ storeName: 'totals' })
    expect(diff.compatible).toBe(false)
    expect(changes(diff)).toEqual([
      'changed topology counting',
      'orphaned store word-counts (action)',
      'new store totals',
    ])
    expect(adviceFor(diff, 'word-counts')).toMatch(/give it its old name word-counts/)
  })

  test('with other formats under a new name is taken for another store', () => {
    const diff = to({ storeName: 'totals', storeSchema: countSchema({ name: 'x', type: 'int', default: 0 }) })
    expect(adviceFor(diff, 'word-counts')).toBe(
      'delete counting-word-counts-changelog when its state is no longer needed',
    )
  })

  test.each<readonly [string, Variant, readonly string[], boolean]>([
    [
      'with a new field that has a default goes on',
      { storeSchema: countSchema({ name: 'first', type: 'long', default: 0 }) },
      ['changed store word-counts'],
      true,
    ],
    [
      'with a new field that has none cannot go on',
      { storeSchema: countSchema({ name: 'first', type: 'long' }) },
      ['incompatible store word-counts (action)'],
      false,
    ],
    [
      'with another key format cannot go on',
      { storeKey: { encode: value => Buffer.from(value, 'latin1'), decode: bytes => bytes.toString() } },
      ['incompatible store word-counts (action)'],
      false,
    ],
    ['that forgets goes on', { retentionMs: 86_400_000 }, ['changed store word-counts'], true],
  ])('%s', (_, variant, expected, compatible) => {
    const diff = to(variant)
    expect(changes(diff)).toEqual(expected)
    expect(diff.compatible).toBe(compatible)
  })

  test('whose input has another partition count cannot go on', () => {
    const direct = documentOf(topologies['orders'] as never)
    const grown = {
      ...direct,
      topics: direct.topics.map(topic =>
        topic.name === 'stock-movement' ? { ...topic, partitions: 8 } : topic,
      ),
    }
    expect(changes(diffTopology(direct, grown))).toEqual([
      'incompatible store stock-ledger (action)',
      'incompatible store stock-entries (action)',
      'incompatible topic stock-movement (action)',
    ])
  })
})

describe('a topic', () => {
  test.each<readonly [string, Variant, readonly string[], boolean]>([
    [
      'for repartitioning under a new name leaves the old one behind',
      { repartitionName: 'per-word' },
      [
        'changed topology counting',
        'changed store word-counts',
        'orphaned topic counting-by-word-repartition (action)',
        'new topic counting-per-word-repartition',
        'gone node by-word-repartition-sink',
        'gone node by-word-repartition-source',
        'new node per-word-repartition-sink',
        'new node per-word-repartition-source',
      ],
      false,
    ],
    [
      'that is declared with another partition count keeps the old one',
      { partitions: 6 },
      ['incompatible topic words (action)'],
      false,
    ],
    [
      'whose broker settings differ is not altered by itself',
      { config: { 'retention.ms': '1000' } },
      ['changed topic words'],
      true,
    ],
    [
      'whose events get other ids could be written twice',
      { eventId: ({ count }) => String(count) },
      ['incompatible topic counts (action)'],
      false,
    ],
    [
      'whose values change their format cannot be read on',
      { topicValue: { name: 'json', encode: () => Buffer.alloc(0), decode: () => ({ count: 0 }) } },
      ['incompatible topic counts (action)'],
      false,
    ],
  ])('%s', (_, variant, expected, compatible) => {
    const diff = to(variant)
    expect(changes(diff)).toEqual(expected)
    expect(diff.compatible).toBe(compatible)
  })

  test('that is no longer read loses what is not processed yet', () => {
    const settlement = documentOf(topologies['settlement'] as never)
    const less = {
      ...settlement,
      topics: settlement.topics.filter(({ name }) => name !== 'order-rejected'),
      subTopologies: settlement.subTopologies.filter(
        ({ sourceTopics }) => !sourceTopics.includes('order-rejected'),
      ),
    }
    expect(changes(diffTopology(settlement, less))).toEqual([
      'changed topology settlement',
      'incompatible topic order-rejected (action)',
      'gone node order-rejected-source',
      'gone node settle-rejected',
    ])
    expect(changes(diffTopology(less, settlement))).toEqual([
      'changed topology settlement',
      'new topic order-rejected',
      'new node order-rejected-source',
      'new node settle-rejected',
    ])
  })
})

test('an effect that is gone is named', () => {
  const diff = to({ withoutEffect: true })
  expect(changes(diff)).toEqual(['changed topology counting', 'gone node announce'])
  expect(diff.findings.find(({ name }) => name === 'announce')?.what).toBe('announce is no longer called')
})

test('another application id carries nothing over', () => {
  const diff = to({ name: 'tally' })
  expect(diff.compatible).toBe(false)
  expect(changes(diff)).toEqual(
    expect.arrayContaining([
      'incompatible topology counting (action)',
      'orphaned store word-counts (action)',
      'new store word-counts',
      'orphaned topic counting-by-word-repartition (action)',
    ]),
  )
})

test('sets are paired by name; what is only on one side is new or gone', () => {
  const all = Object.values(topologies).map(documentOf)
  const [orders, materializer, settlement] = all
  if (orders === undefined || materializer === undefined || settlement === undefined) throw new Error('three')
  const diffs = diffTopologies([orders, materializer], [orders, settlement])
  expect(diffs.map(({ from, to, compatible }) => [from, to, compatible])).toEqual([
    ['orders', 'orders', true],
    ['materializer', null, false],
    [null, 'settlement', true],
  ])
  expect(diffs[1]?.findings[0]?.advice).toMatch(/delete the consumer group materializer/)
})

test('the text tells first what needs something done', () => {
  const text = renderDiff(to({ storeName: 'totals', partitions: 6, withoutEffect: true }))
  expect(text).toBe(`counting
  ! cannot go on as it is
    topic words: was declared with 4 partitions, now with 6; the topic that exists keeps its count
      -> keep the count: with another one keys would change their partition
  - orphaned
    store word-counts: nobody owns counting-word-counts-changelog any more; totals has the same formats and begins empty
      -> when totals was to be the same store, give it its old name word-counts; else delete counting-word-counts-changelog
  - gone
    node announce: announce is no longer called
      -> before the change, wait until nothing is left for it to do (\`sluice lag\`)
  ~ changed
    topology counting: its graph is another
      -> stop every worker of the former version before the first of the new one starts: no rolling restart
  + new
    store totals: begins empty
      -> where it needs what came before, rebuild the topology by replay; else it knows only what comes from now on
  = survives
    topics counting-by-word-repartition, counts
    nodes words-source, by-word-repartition-sink, by-word-repartition-source, count-words, write-counts
  2 findings need something done first
`)
})
