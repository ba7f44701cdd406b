import { isUtf8 } from 'node:buffer'
import type { AvroCodecs } from '../../../codec/avro-codecs.ts'
import { prefixLength } from '../../../codec/wire-format.ts'
import { messageOf } from '../../../core/errors.ts'
import { plainOf } from './escape.ts'

/** What bytes of a log hold, as far as it can be told from them alone. */
export type Decoded =
  | { readonly kind: 'none' }
  /** Plain data: bigints as strings, bytes as `0x…`. */
  | { readonly kind: 'avro'; readonly schemaId: number; readonly value: unknown }
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'hex'; readonly hex: string; readonly reason: string }

const isWireFormat = (bytes: Buffer): boolean => bytes.length >= prefixLength && bytes[0] === 0

/**
 * Decodes whatever a record holds, and never throws: Avro by the schema id in front of it, with its own writer's schema; else
 * text; else hex, with the reason.
 *
 * @example
 * await decoder.load(records.map(record => record.value))
 * const shown = records.map(record => decoder.decode(record.value))
 */
export class ValueDecoder {
  readonly #codecs: AvroCodecs
  #failure: string | undefined

  constructor(codecs: AvroCodecs) {
    this.#codecs = codecs
  }

  /** Fetches the schemas that the values need. A registry out of reach is told with the values it cost. */
  async load(values: Iterable<Buffer | null>): Promise<void> {
    const missing = this.#codecs.missingIds(values)
    if (missing.length === 0) return
    this.#failure = await this.#codecs.load(missing).then(() => undefined, messageOf)
  }

  decode(bytes: Buffer | null): Decoded {
    if (bytes === null) return { kind: 'none' }
    if (!isWireFormat(bytes))
      return isUtf8(bytes) ? { kind: 'text', value: bytes.toString('utf8') } : hexOf(bytes, notKnown)
    try {
      const value = plainOf(this.#codecs.decodeAsWritten(bytes))
      return { kind: 'avro', schemaId: bytes.readUInt32BE(1), value }
    } catch (error) {
      return hexOf(bytes, this.#failure ?? messageOf(error))
    }
  }
}

const notKnown = 'neither the wire format of a registry (0 and a schema id) nor UTF-8 text'

const hexOf = (bytes: Buffer, reason: string): Decoded => ({
  kind: 'hex',
  hex: bytes.toString('hex'),
  reason,
})
