import avsc from 'avsc'

/** The library writes and reads smaller numbers with the wrong sign: their zigzag form does not fit into 53 bits. */
const smallest = -(2 ** 52)

type Write = (this: avsc.Type, tap: unknown, value: unknown) => void
const write = Reflect.get(avsc.types.LongType.prototype, '_write') as Write

/** Avro `long` as a number: from −2^52 to 2^53 − 2. */
class NumberLong extends avsc.types.LongType {
  // eslint-disable-next-line no-underscore-dangle -- the library's own name for what encodes a value
  _write(tap: unknown, value: unknown): void {
    if (typeof value === 'number' && value < smallest) throw new Error(`${value} is below -(2^52)`)
    write.call(this, tap, value)
  }
}

/** avsc's `typeHook` for every `long` that is no bigint. */
export const numberLongHook = (schema: unknown): avsc.Type | undefined => {
  const isLong =
    schema === 'long' ||
    (typeof schema === 'object' && schema !== null && 'type' in schema && schema.type === 'long')
  return isLong ? new NumberLong() : undefined
}
