import type { Format } from './format.ts'

/** A keyed state store; its changelog is `<application.id>-<name>-changelog`. The name is its identity for life. */
export interface StoreDeclaration<K, V> {
  readonly name: string
  readonly key: Format<K>
  readonly value: Format<V>
  /** Entries last written longer ago than this, in event time, are gone. Undefined: kept until deleted. */
  readonly retentionMs: number | undefined
}

/**
 * Declares a store. Steps that name the same declaration share it, and so run in one task.
 *
 * @example const counts = store('counts', { key: utf8, value: avroFormat<Count>(countSchema) })
 */
export const store = <K, V>(
  name: string,
  options: { readonly key: Format<K>; readonly value: Format<V>; readonly retentionMs?: number },
): StoreDeclaration<K, V> =>
  Object.freeze({ name, key: options.key, value: options.value, retentionMs: options.retentionMs })

/** What a step sees of a store while it runs: this task's part, with what the turn has written so far. */
export interface KeyValueStore<K, V> {
  get(key: K): V | undefined
  /** Values are immutable: put a new one, never change one that was read. */
  put(key: K, value: V): void
  delete(key: K): void
}
