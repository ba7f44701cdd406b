import type { Serde } from '../../codec/serde.ts'

declare const valueType: unique symbol

/** An Avro value in Confluent's wire format; its subject is `<topic>-value`, so the topic need not be named here. */
export interface AvroFormat<T> {
  readonly kind: 'avro'
  readonly schema: object
  readonly [valueType]?: T
}

/** How keys or values are written: a ready serde, or Avro that is bound to a registry when the topology starts. */
export type Format<T> = Serde<T> | AvroFormat<T>

/**
 * Declares an Avro format; nothing is registered before the topology starts.
 *
 * @example topic('order-created', { key: utf8, value: avroFormat<OrderCreated>(schemas['order-created']) })
 */
export const avroFormat = <T>(schema: object): AvroFormat<T> => Object.freeze({ kind: 'avro', schema })

export const isAvroFormat = <T>(format: Format<T>): format is AvroFormat<T> => 'kind' in format
