import {
  array,
  assert,
  boolean,
  nat,
  property,
  record,
  stringMatching,
  uniqueArray,
  type Arbitrary,
} from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  documentOf,
  type NodeDocument,
  type TopologyDocument,
} from '../../../src/streams/inspect/document.ts'
import { overlap, segmentHits } from '../../../src/streams/inspect/picture/geometry.ts'
import { pictureOf } from '../../../src/streams/inspect/picture/graph.ts'
import {
  characterWidth,
  placePicture,
  type PlacedPicture,
} from '../../../src/streams/inspect/picture/layout.ts'
import { renderSvg } from '../../../src/streams/inspect/picture/svg.ts'
import { topologies } from '../../../topology/index.ts'

const documents = Object.values(topologies).map(documentOf)
const pictures: readonly (readonly [string, readonly TopologyDocument[]])[] = [
  ...documents.map(document => [document.name, [document]] as const),
  ['all together', documents],
]

const pairs = <T>(items: readonly T[]): [T, T][] =>
  items.flatMap((one, index) => items.slice(index + 1).map((other): [T, T] => [one, other]))

/** What lies over what: nothing should. */
const collisions = ({ nodes, boxes }: PlacedPicture): string[] => [
  ...pairs(nodes)
    .filter(([one, other]) => overlap(one, other))
    .map(([one, other]) => `${one.id} lies over ${other.id}`),
  ...pairs(boxes)
    .filter(([one, other]) => overlap(one, other))
    .map(([one, other]) => `${one.id} lies over ${other.id}`),
  ...boxes.flatMap(box =>
    nodes
      .filter(node => node.box !== box.id && overlap(node, box))
      .map(node => `${node.id} lies in ${box.id}`),
  ),
  ...nodes
    .filter(({ label, width }) => label.length * characterWidth > width - 16)
    .map(({ id }) => `${id} is too narrow`),
]

const crossings = ({ nodes, edges }: PlacedPicture): string[] =>
  edges.flatMap(({ from, to, points }) =>
    nodes
      .filter(({ id }) => id !== from && id !== to)
      .filter(node =>
        points.some((point, index) => {
          const next = points[index + 1]
          return next !== undefined && segmentHits(point, next, node)
        }),
      )
      .map(({ id }) => `the line from ${from} to ${to} passes through ${id}`),
  )

const coveredLabels = ({ boxes, edges, nodes }: PlacedPicture): string[] =>
  boxes
    .filter(
      ({ labelAt }) =>
        nodes.some(node => overlap(node, labelAt)) ||
        edges.some(({ points }) =>
          points.some((point, index) => {
            const next = points[index + 1]
            return next !== undefined && segmentHits(point, next, labelAt)
          }),
        ),
    )
    .map(({ id }) => id)

/** Tags that are closed out of turn, or never. */
const unbalanced = (svg: string): string[] => {
  const open: string[] = []
  const wrong: string[] = []
  for (const [, closing, name = '', empty] of svg.matchAll(/<(\/?)([a-zA-Z]+)[^<>]*?(\/?)>/g)) {
    if (closing === '/' && open.pop() !== name) wrong.push(name)
    if (closing !== '/' && empty !== '/') open.push(name)
  }
  return [...wrong, ...open]
}

describe.each(pictures)('the picture of %s', (_, of) => {
  const placed = placePicture(pictureOf(of))

  test('has a shape for each topic, store, step, sink and effect', () => {
    const labels = placed.nodes.map(({ label }) => label)
    for (const { topics, stores, subTopologies } of of) {
      const nodes = subTopologies.flatMap(({ nodes }) => nodes.filter(({ kind }) => kind !== 'source'))
      const names = [
        ...topics.map(topic => topic.brokerName),
        ...stores.map(store => store.name),
        ...nodes.map(node => node.name),
      ]
      for (const name of names) expect(labels).toContain(name)
    }
  })

  test('has nothing that lies over something else', () => {
    expect(collisions(placed)).toEqual([])
    expect(crossings(placed)).toEqual([])
    expect(coveredLabels(placed)).toEqual([])
  })

  test('fits its frame', () => {
    for (const { x, y, width, height } of [...placed.nodes, ...placed.boxes]) {
      expect(x).toBeGreaterThanOrEqual(0)
      expect(y).toBeGreaterThanOrEqual(0)
      expect(x + width).toBeLessThanOrEqual(placed.width)
      expect(y + height).toBeLessThanOrEqual(placed.height)
    }
    for (const { x } of placed.edges.flatMap(({ points }) => points)) {
      expect(x).toBeGreaterThanOrEqual(0)
      expect(x).toBeLessThanOrEqual(placed.width)
    }
  })

  test('is the same every time', () => {
    expect(renderSvg(of)).toBe(renderSvg(of))
  })

  test('is well-formed, self-contained and has its say in words', () => {
    const svg = renderSvg(of)
    expect(unbalanced(svg)).toEqual([])
    expect(svg).not.toMatch(/<script|href=|url\((?!#)|@import/)
    expect(svg).toMatch(/role="img" aria-labelledby="\S+-title \S+-about"/)
    expect(svg).toMatch(/<desc [^>]*>sub-topology 0 of \S+ reads .+ and writes .+<\/desc>/)
    expect(svg).toContain('prefers-color-scheme: dark')
  })
})

const name = stringMatching(/^[a-z][a-z0-9-]{0,24}$/)

/** A topology of a few sub-topologies, each a chain with some stores, joined by topics at random. */
const anyTopology: Arbitrary<TopologyDocument> = record({
  topics: uniqueArray(name, { minLength: 1, maxLength: 6 }),
  parts: array(
    record({
      source: nat(),
      steps: array(record({ name, store: boolean() }), { maxLength: 4 }),
      sinks: array(nat(), { minLength: 1, maxLength: 4 }),
    }),
    { minLength: 1, maxLength: 5 },
  ),
}).map(({ topics, parts }) => {
  const topicAt = (index: number): string => topics[index % topics.length] ?? ''
  const stores: TopologyDocument['stores'] = []
  const subTopologies = parts.map(({ source, steps, sinks }, id) => {
    const chain = steps.map((step, index) => ({ ...step, name: `${step.name}-${id}-${index}` }))
    const ends = sinks.map((topic, index) => ({ name: `sink-${id}-${index}`, topic: topicAt(topic) }))
    const after = (index: number): string[] => {
      const next = chain[index + 1]
      return next === undefined ? ends.map(end => end.name) : [next.name]
    }
    for (const step of chain) {
      if (!step.store) continue
      const utf8 = { kind: 'named' as const, name: 'utf8' }
      stores.push({
        name: step.name,
        changelog: `x-${step.name}-changelog`,
        key: utf8,
        value: utf8,
        retentionMs: null,
        subTopology: id,
      })
    }
    const node = (
      of: Partial<NodeDocument> & { readonly name: string; readonly kind: NodeDocument['kind'] },
    ): NodeDocument => ({
      topics: [],
      stores: [],
      effect: null,
      onFailure: 'fail',
      predecessors: [],
      successors: [],
      ...of,
    })
    return {
      id,
      sourceTopics: [topicAt(source)],
      nodes: [
        node({
          name: `source-${id}`,
          kind: 'source',
          topics: [topicAt(source)],
          successors: after(-1),
        }),
        ...chain.map((step, index) =>
          node({
            name: step.name,
            kind: 'processor',
            stores: step.store ? [step.name] : [],
            successors: after(index),
          }),
        ),
        ...ends.map(end => node({ name: end.name, kind: 'sink', topics: [end.topic] })),
      ],
    }
  })
  const utf8 = { kind: 'named' as const, name: 'utf8' }
  return {
    name: 'x',
    topics: topics.map(topic => ({
      name: topic,
      brokerName: topic,
      kind: 'external' as const,
      key: utf8,
      value: utf8,
      partitions: 4,
      config: {},
      eventId: 'derived' as const,
    })),
    stores,
    deadLetters: null,
    subTopologies,
    allow: [],
  }
})

test('no two nodes of any topology lie over each other, and each lies in its own box', () => {
  assert(
    property(anyTopology, topology => {
      const { nodes, boxes } = placePicture(pictureOf([topology]))
      expect(pairs(nodes).filter(([one, other]) => overlap(one, other))).toEqual([])
      for (const node of nodes) {
        const box = boxes.find(({ id }) => id === node.box)
        if (box === undefined) continue
        expect(node.x).toBeGreaterThanOrEqual(box.x)
        expect(node.x + node.width).toBeLessThanOrEqual(box.x + box.width)
        expect(node.y).toBeGreaterThanOrEqual(box.y)
        expect(node.y + node.height).toBeLessThanOrEqual(box.y + box.height)
      }
    }),
    { numRuns: 20 },
  )
}, 30_000)

test('names that differ only in signs are different nodes', () => {
  const [document] = documents.filter(({ name }) => name === 'materializer')
  if (document === undefined) throw new Error('no topology materializer')
  const [topic] = document.topics
  if (topic === undefined) throw new Error('no topic')
  const two = { ...topic, name: 'stock.update', brokerName: 'stock.update' }
  const [part] = document.subTopologies
  const [source] = part?.nodes ?? []
  if (part === undefined || source === undefined) throw new Error('no source')
  const both = {
    ...document,
    topics: [topic, two],
    subTopologies: [
      { ...part, nodes: [{ ...source, topics: [topic.name, two.name] }, ...part.nodes.slice(1)] },
    ],
  }
  const { nodes } = pictureOf([both])
  expect(new Set(nodes.map(({ id }) => id)).size).toBe(nodes.length)
  expect(nodes.map(({ label }) => label)).toEqual(
    expect.arrayContaining(['stock-update', 'stock.update', 'materialize-stock']),
  )
})
