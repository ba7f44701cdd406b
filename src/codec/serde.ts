import { isUtf8 } from 'node:buffer'
import { SluiceError } from '../core/errors.ts'

/** Bytes ↔ value, synchronous: whatever needs the registry was prepared before. */
export interface Serde<T> {
  /** Of a format that others write, too; two of the same name read each other's bytes. */
  readonly name?: string
  encode(value: T): Buffer
  decode(bytes: Buffer): T
}

/** UTF-8 strings: the key format of every topic of the project. */
export const utf8: Serde<string> = {
  name: 'utf8',
  encode: value => {
    if (typeof value !== 'string') throw notText(value)
    return Buffer.from(value, 'utf8')
  },
  decode: bytes => {
    // Replacing what cannot be read would make one key of several.
    if (!isUtf8(bytes)) throw notUtf8(bytes)
    return bytes.toString('utf8')
  },
}

const notUtf8 = (bytes: Buffer): SluiceError =>
  new SluiceError({
    code: 'SLUICE_CODEC_NOT_UTF8',
    message: `${bytes.length} bytes are no UTF-8 text: ${bytes.subarray(0, 32).toString('hex')}`,
    remedy: 'the record was written by another producer: write its key as UTF-8',
    details: { length: bytes.length },
  })

const notText = (value: unknown): SluiceError =>
  new SluiceError({
    code: 'SLUICE_CODEC_INVALID_VALUE',
    message: `${value === null ? 'a null key' : `a key of type ${typeof value}`} cannot be written as UTF-8 text`,
    remedy: 'give each record a key before it is written or kept under one',
  })
