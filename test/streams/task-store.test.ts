import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TaskStore } from '../../src/streams/state/task-store.ts'

/** What a worker does to a store, in sequences that a worker can produce: at most two turns are open. */
type Action =
  | { readonly kind: 'turn'; readonly writes: readonly (readonly [key: string, value: number | undefined])[] }
  | { readonly kind: 'promote' }
  | { readonly kind: 'forget' }

const key = fc.constantFrom('a', 'b', 'c', 'd')
const action: fc.Arbitrary<Action> = fc.oneof(
  fc.record({
    kind: fc.constant('turn' as const),
    writes: fc.array(fc.tuple(key, fc.option(fc.integer(), { nil: undefined })), { maxLength: 6 }),
  }),
  fc.record({ kind: fc.constant('promote' as const) }),
  fc.record({ kind: fc.constant('forget' as const) }),
)

const write = (
  target: Map<string, number>,
  writes: Extract<Action, { kind: 'turn' }>['writes'],
): Map<string, number> => {
  const result = new Map(target)
  for (const [name, value] of writes) {
    if (value === undefined) result.delete(name)
    else result.set(name, value)
  }
  return result
}

describe('the overlay over a store', () => {
  it('is what a list of map versions would be: read the newest, promote the oldest, forget all but the committed', () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 30 }), actions => {
        const store = new TaskStore()
        let committed = new Map<string, number>()
        let open: Map<string, number>[] = []
        for (const step of actions) {
          if (step.kind === 'turn' && open.length < 2) {
            store.beginTurn()
            open.push(write(open.at(-1) ?? committed, step.writes))
            for (const [name, value] of step.writes) {
              if (value === undefined) store.delete(name)
              else store.put(name, value)
            }
          } else if (step.kind === 'promote' && open.length > 0) {
            store.promote()
            committed = open.shift() ?? committed
          } else if (step.kind === 'forget') {
            store.forget()
            open = []
          }
          const newest = open.at(-1) ?? committed
          for (const name of ['a', 'b', 'c', 'd']) expect(store.get(name)).toBe(newest.get(name))
          expect(new Map([...store.committed()].map(entry => [entry.key, entry.value]))).toEqual(committed)
        }
      }),
    )
  })

  it('folds the writes of a turn: one per key, the last', () => {
    const store = new TaskStore()
    const overlay = store.beginTurn()
    for (const value of [1, 2, 3]) store.put('a', value)
    store.put('b', 1)
    store.delete('b')
    expect([...overlay.values()].map(entry => [entry.key, entry.value])).toEqual([
      ['a', 3],
      ['b', undefined],
    ])
  })

  it('refuses a write outside of a turn', () => {
    expect(() => new TaskStore().put('a', 1)).toThrow('outside of a turn')
  })
})
