import { filter, type MonoTypeOperatorFunction } from 'rxjs'
import type { Format } from '../format.ts'
import type { PlacedMessage } from '../message.ts'
import { defineStep } from '../step.ts'
import { store as declareStore } from '../store.ts'

/**
 * Lets the first record of each id through and drops later ones, over restarts, for at least `retentionMs` of stream time.
 * The ids live in a store of the step's name; records with the same id must have the same key, or they meet different tasks.
 *
 * @example dedupe('seen-events', { id: m => m.value.eventId, key: utf8, value: seenFormat, mark: () => ({ }), retentionMs: 86_400_000 })
 */
export const dedupe = <M extends PlacedMessage, V>(
  name: string,
  options: {
    readonly id: (message: M) => string
    readonly key: Format<string>
    readonly value: Format<V>
    /** What is kept under the id. */
    readonly mark: (message: M) => V
    readonly retentionMs?: number
  },
): MonoTypeOperatorFunction<M> => {
  const seen = declareStore(name, {
    key: options.key,
    value: options.value,
    ...(options.retentionMs === undefined ? {} : { retentionMs: options.retentionMs }),
  })
  return defineStep<M, M>({ kind: 'processor', name, stores: [seen] }, context => {
    const ids = context.store(seen)
    return filter(message => {
      ids.at(message.timestamp)
      const id = options.id(message)
      if (ids.get(id) !== undefined) return false
      ids.put(id, options.mark(message))
      return true
    })
  })
}
