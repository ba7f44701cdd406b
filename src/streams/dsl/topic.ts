import type { Format } from './format.ts'

/** A topic that a topology reads or writes. */
export interface TopicDeclaration<K, V> {
  readonly name: string
  readonly key: Format<K>
  readonly value: Format<V>
  /** Partitions it is created with. */
  readonly partitions: number
  /** Broker settings it is created with. */
  readonly config: Readonly<Record<string, string>>
  /** The id header of a record written here; without it the id is derived from the record's source. */
  readonly eventId: ((value: never) => string) | undefined
  /** A record without a value (a tombstone) fails like one that cannot be decoded, or is passed over. */
  readonly nullValues: 'refuse' | 'ignore'
}

export interface TopicOptions<K, V> {
  readonly key: Format<K>
  readonly value: Format<V>
  readonly partitions?: number
  readonly config?: Readonly<Record<string, string>>
  readonly eventId?: (value: V) => string
  /** Default `refuse`. */
  readonly nullValues?: 'refuse' | 'ignore'
}

/**
 * Declares a topic. Event topics are what replay reads, so by default nothing is ever deleted by time.
 *
 * @example const orders = topic('orders', { key: utf8, value: json<Order>(), partitions: 6 })
 */
export const topic = <K, V>(name: string, options: TopicOptions<K, V>): TopicDeclaration<K, V> =>
  Object.freeze({
    name,
    key: options.key,
    value: options.value,
    partitions: options.partitions ?? 4,
    config: options.config ?? { 'retention.ms': '-1' },
    eventId: options.eventId,
    nullValues: options.nullValues ?? 'refuse',
  })
