import * as fc from 'fast-check'
import { map, mergeMap } from 'rxjs'
import { expect, it } from 'vitest'
import { utf8, type Serde } from '../../src/codec/serde.ts'
import { from, merge, named, process, store, to, topic, topology } from '../../src/streams/dsl/index.ts'
import { TopologyTestDriver } from '../../src/streams/testing/topology-test-driver.ts'

// Random streams with records that fail anywhere and anyhow, in turns of any size: what comes out is what comes out without them.

type Kind = 'good' | 'undecodable' | 'throws' | 'rejects' | 'unwritable' | 'unstorable' | 'skipped' | 'empty'

const strict: Serde<string> = {
  encode: text => {
    if (text.includes('unstorable')) throw new Error('this cannot be kept')
    return Buffer.from(text)
  },
  decode: bytes => bytes.toString(),
}
const readable: Serde<string> = {
  ...utf8,
  decode: bytes => {
    const text = bytes.toString()
    if (text.startsWith('undecodable')) throw new Error('rubbish')
    return text
  },
}
const writable: Serde<string> = {
  ...utf8,
  encode: text => {
    if (text.startsWith('unwritable')) throw new Error('this cannot be written')
    return Buffer.from(text)
  },
}

const left = topic('left', { key: utf8, value: readable })
const right = topic('right', { key: utf8, value: readable })
const plain = topic('plain', { key: utf8, value: utf8 })
const written = topic('written', { key: utf8, value: writable })
// It forgets, so that a record that failed must not have moved its time either.
const histories = store('histories', { key: utf8, value: strict, retentionMs: 300 })

const flow = topology(
  'random',
  {
    plain: from(left).pipe(
      named(
        'maybe-skip',
        map(m => {
          if (m.value.startsWith('skipped')) throw new Error('skip me')
          return m
        }),
      ),
      to(plain),
    ),
    written: merge(from(left), from(right)).pipe(
      process('remember', { histories }, (m, { histories: kept }) => {
        const history = `${kept.get(m.key) ?? ''}${m.value},`
        kept.put(m.key, history)
        if (m.value.startsWith('throws')) throw new Error('after the write')
        return [m.value, history]
      }),
      mergeMap(m => (m.value.startsWith('rejects') ? Promise.reject(new Error('later')) : [m])),
      to(written),
    ),
  },
  { failures: { default: 'dead-letter', steps: { 'maybe-skip': 'skip' } } },
)

interface Item {
  readonly kind: Kind
  readonly key: string
  readonly topic: 'left' | 'right'
  /** Milliseconds. */
  readonly timestamp: number
}

const kinds: readonly Kind[] = [
  'good',
  'undecodable',
  'throws',
  'rejects',
  'unwritable',
  'unstorable',
  'skipped',
  'empty',
]

const fails = ({ kind, topic: name }: Item): boolean =>
  kind !== 'good' && !(kind === 'skipped' && name === 'right')

const run = async (items: readonly (Item & { readonly index: number })[], turnSize: number) => {
  const driver = await TopologyTestDriver.create(flow, { turnSize })
  const records = items.map(({ kind, key, topic: name, timestamp, index }) => ({
    name,
    key: Buffer.from(key),
    value: kind === 'empty' ? null : Buffer.from(`${kind}-${index}`),
    headers: [['id', Buffer.from(`event-${index}`)] as const],
    timestamp,
  }))
  // All of one topic first, so that a turn holds records of both in one sequence whatever its size.
  for (const source of [left, right])
    await driver.pipeRaw(
      source,
      records.filter(({ name }) => name === source.name),
    )
  return {
    plain: driver.read(plain),
    written: driver.read(written),
    histories: ['a', 'b', 'c'].map(key => driver.get(histories, key)),
    letters: driver.deadLetters().map(letter => ({ ...letter, stackTrace: '' })),
    passedOver: driver.passedOver(),
  }
}

const stepOf = ({ kind }: Item, source: string): string => {
  switch (kind) {
    case 'throws':
    case 'rejects':
    case 'unstorable':
      return 'remember'
    case 'unwritable':
      return 'written'
    default:
      return source
  }
}

it(
  'gives the same outputs, state and dead letters whatever fails and whatever the turns are',
  { timeout: 60_000 },
  async () => {
    const item = fc.record({
      kind: fc.oneof({ weight: 3, arbitrary: fc.constant<Kind>('good') }, fc.constantFrom(...kinds)),
      key: fc.constantFrom('a', 'b', 'c'),
      topic: fc.constantFrom('left' as const, 'right' as const),
      timestamp: fc.integer({ min: 0, max: 1_000 }),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(item, { maxLength: 40 }),
        fc.integer({ min: 2, max: 60 }),
        async (drawn, turnSize) => {
          const items = drawn.map((one, index) => ({ ...one, index }))
          const single = await run(items, 1)
          expect(await run(items, turnSize)).toEqual(single)

          // What failed might as well not have been there.
          const {
            plain: plainOf,
            written: writtenOf,
            histories: historiesOf,
          } = await run(
            items.filter(one => !fails(one)),
            turnSize,
          )
          expect({ plain: single.plain, written: single.written, histories: single.histories }).toEqual({
            plain: plainOf,
            written: writtenOf,
            histories: historiesOf,
          })
          // And each is parked or skipped exactly once, under the step that failed.
          const expected = (['left', 'right'] as const).flatMap(source =>
            items
              .filter(one => one.topic === source)
              .flatMap((one, offset) =>
                fails(one) ? [{ source, offset, one, isSkipped: one.kind === 'skipped' }] : [],
              ),
          )
          const parked = expected.filter(({ isSkipped }) => !isSkipped)
          expect(
            single.letters.map(({ source, step, key }) => [source.topic, source.offset, step, String(key)]),
          ).toEqual(
            parked.map(({ source, offset, one }) => [
              source,
              offset,
              stepOf(one, `${source}-source`),
              one.key,
            ]),
          )
          expect(single.passedOver.filter(({ policy }) => policy === 'skip')).toHaveLength(
            expected.length - parked.length,
          )
        },
      ),
      { numRuns: 300 },
    )
  },
)
