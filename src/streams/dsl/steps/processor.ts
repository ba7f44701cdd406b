import { map, mergeMap, type OperatorFunction } from 'rxjs'
import { withValue, type Message, type PlacedMessage } from '../message.ts'
import { defineStep } from '../step.ts'
import type { KeyValueStore, StoreDeclaration } from '../store.ts'

/**
 * Gives a plain operator a name, and so a node of its own in the graph.
 *
 * @example from(orders).pipe(named('split-lines', mergeMap(lines)))
 */
export const named = <A, B>(name: string, operator: OperatorFunction<A, B>): OperatorFunction<A, B> =>
  defineStep({ kind: 'processor', name, stores: [] }, () => operator)

/** Replaces the value; key and place stay. Plain RxJS `map`, shorter. */
export const mapValue = <K, V, R>(
  project: (value: V, message: Message<K, V>) => R,
): OperatorFunction<Message<K, V>, Message<K, R>> =>
  map(message => withValue(message, project(message.value, message)))

/** The stores a `process` step was declared with, as the function sees them. */
export type StoresOf<S> = {
  readonly [N in keyof S]: S[N] extends StoreDeclaration<infer K, infer V> ? KeyValueStore<K, V> : never
}

/**
 * The general keyed step: for each record, reads and writes the task's part of its stores and returns the values to pass on,
 * all under the record's key. The function must be pure but for the stores: no clock, no randomness, no I/O.
 *
 * @example process('count', { counts }, (m, { counts }) => { const n = (counts.get(m.key) ?? 0) + 1; counts.put(m.key, n); return [n] })
 */
export const process = <
  M extends PlacedMessage,
  S extends Readonly<Record<string, StoreDeclaration<unknown, unknown>>>,
  R,
>(
  name: string,
  stores: S,
  handle: (message: M, stores: StoresOf<S>) => readonly R[],
): OperatorFunction<M, Message<M['key'], R>> =>
  defineStep({ kind: 'processor', name, stores: Object.values(stores) }, context => {
    const bound = Object.entries(stores).map(
      ([key, declaration]) => [key, context.store(declaration)] as const,
    )
    const view = Object.fromEntries(bound) as object as StoresOf<S>
    return mergeMap(message => {
      for (const [, store] of bound) store.at(message.timestamp)
      return handle(message, view).map(value => withValue<M['key'], R>(message, value))
    })
  })

/**
 * One value per key, changed by each of its records; passes on the new value (undefined from `next` deletes it and passes nothing).
 *
 * @example aggregate('units', units, (sum = 0, m) => sum + m.value.quantity)
 */
export const aggregate = <M extends PlacedMessage, K, V>(
  name: string,
  store: M['key'] extends K ? StoreDeclaration<K, V> : never,
  next: (current: V | undefined, message: M) => V | undefined,
): OperatorFunction<M, Message<M['key'], V>> =>
  process<M, { readonly values: StoreDeclaration<unknown, V> }, V>(
    name,
    { values: store },
    (message, { values }) => {
      const value = next(values.get(message.key), message)
      if (value === undefined) values.delete(message.key)
      else values.put(message.key, value)
      return value === undefined ? [] : [value]
    },
  )
