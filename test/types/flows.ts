// Programs that must not compile: each line below a `@ts-expect-error` is an error, or the type check fails.
// (Not formatted: an expected error must stand on one line.)
import { map } from 'rxjs'
import { utf8 } from '../../src/codec/serde.ts'
import { aggregate, dedupe, from, mapValue, process, rekey, repartition, store, to, topic, topology, withKey } from '../../src/streams/dsl/index.ts'
import type { Format } from '../../src/streams/dsl/index.ts'

declare const counted: Format<number>
const texts = topic('texts', { key: utf8, value: utf8 })
const numbers = topic('numbers', { key: utf8, value: counted })
const counts = store('counts', { key: utf8, value: counted })

const lengths = from(texts).pipe(mapValue(text => text.length))
const unplaced = lengths.pipe(rekey(m => String(m.value)))
const byPlainMap = lengths.pipe(map(m => ({ ...m, key: 'x' })))
const numbered = lengths.pipe(map(m => withKey(m, m.value)))
const placed = unplaced.pipe(repartition('by-length', { key: utf8, value: counted }))

export const right = topology('right', {
  lengths: lengths.pipe(to(numbers)),
  counted: placed.pipe(aggregate('count', counts, (count = 0) => count + 1), to(numbers)),
})

export const wrong = [
  // @ts-expect-error a number is not the topic's value
  () => lengths.pipe(to(texts)),

  // @ts-expect-error the key is a number, the topic's is a string
  () => numbered.pipe(to(numbers)),

  // @ts-expect-error the key was changed: repartition before a keyed step
  () => unplaced.pipe(aggregate('count', counts, (count = 0) => count + 1)),

  // @ts-expect-error a plain map that replaces the key loses its place, too
  () => byPlainMap.pipe(process('p', { counts }, () => [1])),

  // @ts-expect-error dedupe is keyed as well
  () => unplaced.pipe(dedupe('seen', { id: () => '', key: utf8, value: counted, mark: () => 1 })),

  // @ts-expect-error a flow that ends nowhere makes no topology
  () => topology('open', { lengths }),

  // @ts-expect-error the store holds numbers
  () => from(texts).pipe(process('p', { counts }, (m, stores) => (stores.counts.put(m.key, m.value), [1]))),
]
