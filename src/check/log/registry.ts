import avsc, { type Schema, type Type } from 'avsc'
import { messageOf, SluiceError } from '../../core/errors.ts'

const magicByte = 0
const headerBytes = 5

const twoTo32 = 0x1_0000_0000

/** Longs as numbers where they are exact, else as bigints: the envelope's nanoseconds are beyond 2^53. */
// eslint-disable-next-line no-underscore-dangle -- the library's own name for a custom long
export const anyLong = avsc.types.LongType.__with({
  fromBuffer: (buffer: Buffer) => {
    const number = buffer.readInt32LE(4) * twoTo32 + buffer.readUInt32LE(0)
    return Number.isSafeInteger(number) ? number : buffer.readBigInt64LE()
  },
  toBuffer: (long: number | bigint) => {
    const buffer = Buffer.alloc(8)
    buffer.writeBigInt64LE(BigInt(long))
    return buffer
  },
  fromJSON: (json: number) => json,
  toJSON: (long: number | bigint) => Number(long),
  isValid: (value: unknown) => typeof value === 'bigint' || Number.isSafeInteger(value),
  compare: (one: number | bigint, other: number | bigint) => (one === other ? 0 : one < other ? -1 : 1),
})

/** Schema id of a value in Confluent's wire format; undefined when it is not in that format. */
export const schemaIdOf = (value: Buffer): number | undefined =>
  value.length > headerBytes && value[0] === magicByte ? value.readUInt32BE(1) : undefined

/** Schemas by id, straight from the registry's HTTP API, each fetched once; values decode with the schema they were written by. */
export class RegistryDecoder {
  private readonly baseUrl: string
  private readonly types = new Map<number, Type>()

  constructor(baseUrl: string) {
    this.baseUrl = baseUrl.replace(/\/+$/, '')
  }

  knows(schemaId: number): boolean {
    return this.types.has(schemaId)
  }

  async load(schemaId: number, signal?: AbortSignal): Promise<void> {
    if (this.types.has(schemaId)) return
    const url = `${this.baseUrl}/schemas/ids/${schemaId}`
    try {
      const response = await fetch(url, { ...(signal !== undefined && { signal }) })
      if (!response.ok) throw new Error(`status ${response.status}`)
      const { schema } = (await response.json()) as { schema: string }
      this.types.set(
        schemaId,
        avsc.Type.forSchema(JSON.parse(schema) as Schema, { registry: { long: anyLong } }),
      )
    } catch (error) {
      throw new SluiceError({
        code: 'SLUICE_CHECK_SCHEMA_UNAVAILABLE',
        message: `cannot get schema ${schemaId} from ${url}: ${messageOf(error)}`,
        remedy: 'see that the registry is up and is the one the records were written with',
        cause: error,
      })
    }
  }

  /** @param where Names the record in the error. */
  decode(value: Buffer | null, where: string): unknown {
    const schemaId = value === null ? undefined : schemaIdOf(value)
    const type = schemaId === undefined ? undefined : this.types.get(schemaId)
    if (value === null || type === undefined)
      throw this.undecodable(where, 'it is not in the registry wire format')
    try {
      return type.fromBuffer(value.subarray(headerBytes)) as unknown
    } catch (error) {
      throw this.undecodable(where, messageOf(error), error)
    }
  }

  private undecodable(where: string, why: string, cause?: unknown): SluiceError {
    return new SluiceError({
      code: 'SLUICE_CHECK_UNDECODABLE',
      message: `cannot decode ${where}: ${why}`,
      remedy: 'find out who wrote it: every value of this topic must be Avro of a registered schema',
      ...(cause !== undefined && { cause }),
    })
  }
}
