import type { Header } from '../../kafka/types.ts'

declare const placed: unique symbol

/**
 * Marks a key by which the record's partition was chosen. Only sources and `repartition` give it; a plain `map` that
 * replaces the key loses it, so that a forgotten repartition does not compile.
 */
export type Placed<K> = K & { readonly [placed]: true }

/** The element of every flow: one record, decoded. Offsets and timestamps (milliseconds) are safe integers. */
export interface Message<K, V> {
  readonly key: K
  readonly value: V
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** Event time, milliseconds since the epoch. */
  readonly timestamp: number
  readonly headers: readonly Header[]
}

/** Any message whose key is in its place: what keyed steps demand. */
export type PlacedMessage = Message<{ readonly [placed]: true }, unknown>

/** The message with another value; key, place, time and headers stay. */
export const withValue = <K, V>(message: Message<K, unknown>, value: V): Message<K, V> => ({
  key: message.key,
  value,
  topic: message.topic,
  partition: message.partition,
  offset: message.offset,
  timestamp: message.timestamp,
  headers: message.headers,
})

/** The message with another key, no longer in its place. */
export const withKey = <K, V>(message: Message<unknown, V>, key: K): Message<K, V> => ({
  key,
  value: message.value,
  topic: message.topic,
  partition: message.partition,
  offset: message.offset,
  timestamp: message.timestamp,
  headers: message.headers,
})

/** The text of the first header of that name, if there is one. */
export const headerText = (headers: readonly Header[], name: string): string | undefined =>
  headers.find(header => header[0] === name)?.[1].toString('utf8')
