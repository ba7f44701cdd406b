/** Bytes ↔ value, synchronous: whatever needs the registry was prepared before. */
export interface Serde<T> {
  encode(value: T): Buffer
  decode(bytes: Buffer): T
}

/** UTF-8 strings: the key format of every topic of the project. */
export const utf8: Serde<string> = {
  encode: value => Buffer.from(value, 'utf8'),
  decode: bytes => bytes.toString('utf8'),
}
