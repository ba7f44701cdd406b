/** Only to carry `T`; no value ever has it. */
declare const valueOf: unique symbol

/**
 * A declaration: this subject holds values of this schema, in TypeScript `T`. Frozen data; `AvroCodecs` makes it work.
 */
export interface AvroType<T> {
  readonly format: 'avro'
  readonly subject: string
  /** JSON text of the schema that is registered, written with, and read as. */
  readonly schema: string
  readonly [valueOf]?: T
}

/**
 * Declares the value format of a topic.
 *
 * @example const orderCreated = avro<OrderCreated>('order-created-value', schemas['order-created'])
 */
export const avro = <T>(subject: string, schemaJson: string | object): AvroType<T> =>
  Object.freeze({
    format: 'avro',
    subject,
    schema: typeof schemaJson === 'string' ? schemaJson : JSON.stringify(schemaJson),
  })
