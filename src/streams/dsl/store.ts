import type { Format } from './format.ts'

/** A keyed state store; its changelog is `<application.id>-<name>-changelog`. The name is its identity for life. */
export interface StoreDeclaration<K, V> {
  readonly name: string
  readonly key: Format<K>
  readonly value: Format<V>
  /** Ended entries are kept for at least so long after their last write, in stream time. Undefined: until deleted. */
  readonly retentionMs: number | undefined
  /** Whether a value may be forgotten; one that has not ended is kept, however old it is. */
  isEnded(value: V): boolean
}

/** How a store is declared. */
export interface StoreOptions<K, V> {
  readonly key: Format<K>
  readonly value: Format<V>
  readonly retentionMs?: number
  /** Default: every value may be forgotten when its time has come. */
  readonly isEnded?: (value: V) => boolean
}

/**
 * Declares a store. Steps that name the same declaration share it, and so run in one task.
 *
 * With `retentionMs`, a write that moves the store's stream time deletes ended entries that are older by so much (and at most a
 * sixty-fourth more). Stream time is the largest event time written to this task's part of the store; no clock is asked.
 *
 * @example const counts = store('counts', { key: utf8, value: avroFormat<Count>(countSchema) })
 * @example store('orders', { key: utf8, value: orderFormat, retentionMs: 86_400_000, isEnded: order => order.ended })
 */
export const store = <K, V>(name: string, options: StoreOptions<K, V>): StoreDeclaration<K, V> =>
  Object.freeze({
    name,
    key: options.key,
    value: options.value,
    retentionMs: options.retentionMs,
    isEnded: options.isEnded ?? (() => true),
  })

/** What a step sees of a store while it runs: this task's part, with what the turn has written so far. */
export interface KeyValueStore<K, V> {
  get(key: K): V | undefined
  /** Values are immutable: put a new one, never change one that was read. */
  put(key: K, value: V): void
  delete(key: K): void
}
