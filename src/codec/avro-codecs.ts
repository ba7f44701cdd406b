import type avsc from 'avsc'
import { messageOf, SluiceError } from '../core/errors.ts'
import { mapLimited } from '../core/limited.ts'
import type { AvroType } from './avro.ts'
import { defaultLimits, malformed } from './limits.ts'
import type { CodecLimits } from './limits.ts'
import type { SchemaRegistry } from './registry.ts'
import { parseSchema } from './schema.ts'
import type { ParsedSchema } from './schema.ts'
import type { Serde } from './serde.ts'
import { slabAllocator } from './slab.ts'
import { prefixLength, schemaIdOf } from './wire-format.ts'

type Resolver = ReturnType<avsc.Type['createResolver']>

/** How one type reads the values of one writer; no resolver where the schemas are equal. */
interface Reading {
  readonly prescan: ParsedSchema['prescan']
  readonly resolver: Resolver | undefined
}

/**
 * Avro values in Confluent's wire format, bound to a registry. All that needs the registry happens in `prepare` and `load`;
 * the serdes are synchronous.
 *
 * @example
 * const codecs = new AvroCodecs(registry)
 * await codecs.prepare([orderCreated])
 * const serde = codecs.serde(orderCreated)
 * await codecs.load(codecs.missingIds(records.map(record => record.value)))
 * const order = serde.decode(record.value)
 */
export class AvroCodecs {
  readonly #registry: SchemaRegistry
  readonly #limits: CodecLimits
  readonly #ids = new Map<string, number>()
  readonly #writers = new Map<number, ParsedSchema>()
  readonly #loading = new Map<number, Promise<void>>()
  /** Why ids asked for last could not be loaded. */
  readonly #unreadable = new Map<number, SluiceError>()
  readonly #slab = slabAllocator()

  constructor(registry: SchemaRegistry, limits: Partial<CodecLimits> = {}) {
    this.#registry = registry
    this.#limits = { ...defaultLimits, ...limits }
  }

  /** Enforces FULL_TRANSITIVE and registers each schema; remembers the ids. Errors: those of the registry. */
  async prepare(types: Iterable<AvroType<unknown>>): Promise<void> {
    for (const type of types) {
      if (this.#ids.has(keyOf(type))) continue
      const parsed = parseSchema(type.schema, this.#limits)
      const id = await this.#register(type)
      this.#ids.set(keyOf(type), id)
      this.#writers.set(id, parsed)
    }
  }

  /** Errors of the serde: `SLUICE_CODEC_*`. The type must have been prepared. */
  serde<T>(type: AvroType<T>): Serde<T> {
    const id = this.#ids.get(keyOf(type))
    if (id === undefined) throw notPrepared(type.subject)
    const own = parseSchema(type.schema, this.#limits)
    const readings = new Map<number, Reading>([[id, { prescan: own.prescan, resolver: undefined }]])
    return {
      encode: value => this.#encode(type.subject, own.type, id, value),
      decode: bytes => {
        const writerId = schemaIdOf(bytes)
        let reading = readings.get(writerId)
        if (reading === undefined) {
          reading = this.#reading(type.subject, own.type, writerId)
          readings.set(writerId, reading)
        }
        return decodeWith(own.type, reading, bytes, type.subject, this.#limits) as T
      },
    }
  }

  /** Ids that occur in the values and are not loaded yet, those that could not be included; values of another format are passed over. */
  missingIds(values: Iterable<Buffer | null>): number[] {
    const missing = new Set<number>()
    for (const value of values) {
      if (value === null || value.length < prefixLength || value[0] !== 0) continue
      const id = value.readUInt32BE(1)
      if (!this.#writers.has(id)) missing.add(id)
    }
    return [...missing]
  }

  /**
   * Fetches writers' schemas, each once. One that the registry does not know, or that is refused, is no error here: decoding a
   * value that was written with it is (`SLUICE_SCHEMA_UNKNOWN`, `SLUICE_CODEC_SCHEMA_REFUSED`), so that one bad value does not
   * keep others from being read. Errors: `SLUICE_REGISTRY_UNAVAILABLE`, `SLUICE_REGISTRY_REFUSED`.
   */
  async load(ids: Iterable<number>): Promise<void> {
    await mapLimited([...ids], mostRequests, id => this.#loadOne(id))
  }

  #loadOne(id: number): Promise<void> {
    if (this.#writers.has(id)) return Promise.resolve()
    const running = this.#loading.get(id)
    if (running !== undefined) return running
    const loading = this.#registry
      .schemaById(id)
      .then(schema => {
        this.#writers.set(id, parseSchema(schema, this.#limits))
        this.#unreadable.delete(id)
      })
      .catch((error: unknown) => {
        if (!isOfTheSchema(error)) throw error
        if (this.#unreadable.size >= mostRemembered) this.#unreadable.clear()
        this.#unreadable.set(id, error)
      })
      .finally(() => this.#loading.delete(id))
    this.#loading.set(id, loading)
    return loading
  }

  async #register(type: AvroType<unknown>): Promise<number> {
    // Some registries know no level for a subject without versions: then the first version goes first.
    const early = await this.#enforce(type.subject)
    const id = await this.#registry.register(type.subject, type.schema)
    if (!early) await this.#registry.setCompatibility(type.subject, 'FULL_TRANSITIVE')
    return id
  }

  async #enforce(subject: string): Promise<boolean> {
    try {
      await this.#registry.setCompatibility(subject, 'FULL_TRANSITIVE')
      return true
    } catch (error) {
      if (error instanceof SluiceError && error.details['status'] === 404) return false
      throw error
    }
  }

  #encode(subject: string, type: avsc.Type, id: number, value: unknown): Buffer {
    try {
      const bytes = this.#slab(prefixLength, (buffer, position) => type.encode(value, buffer, position))
      bytes[0] = 0
      bytes.writeUInt32BE(id, 1)
      return bytes
    } catch (error) {
      throw invalidValue(subject, type, value, error)
    }
  }

  #reading(subject: string, reader: avsc.Type, writerId: number): Reading {
    const writer = this.#writers.get(writerId)
    if (writer === undefined) throw this.#unreadable.get(writerId) ?? notLoaded(subject, writerId)
    try {
      return { prescan: writer.prescan, resolver: reader.createResolver(writer.type) }
    } catch (error) {
      throw unresolvable(subject, writerId, error)
    }
  }
}

// What a topic full of made-up ids may cost at the same time, and for ever.
const mostRequests = 8
const mostRemembered = 10_000

const isOfTheSchema = (error: unknown): error is SluiceError =>
  error instanceof SluiceError &&
  (error.code === 'SLUICE_SCHEMA_UNKNOWN' || error.code === 'SLUICE_CODEC_SCHEMA_REFUSED')

const keyOf = (type: AvroType<unknown>): string => `${type.subject}|${type.schema}`

const decodeWith = (
  type: avsc.Type,
  reading: Reading,
  bytes: Buffer,
  subject: string,
  limits: CodecLimits,
): unknown => {
  if (bytes.length > limits.maxValueBytes)
    throw malformed(`${bytes.length} bytes are more than ${limits.maxValueBytes}`, { subject })
  reading.prescan(bytes, prefixLength)
  try {
    return type.fromBuffer(bytes.subarray(prefixLength), reading.resolver) as unknown
  } catch (error) {
    throw malformed(`${messageOf(error)} (subject ${subject})`, { subject, length: bytes.length }, error)
  }
}

const invalidValue = (subject: string, type: avsc.Type, value: unknown, cause: unknown): SluiceError => {
  const paths: string[] = []
  type.isValid(value, { errorHook: path => paths.push(path.join('.')) })
  const where = paths.length > 0 ? ` at ${paths.join(', ')}` : ''
  return new SluiceError({
    code: 'SLUICE_CODEC_INVALID_VALUE',
    message: `a value does not fit the schema of ${subject}${where}: ${messageOf(cause)}`,
    remedy: 'give every field of the schema, and integers within ±(2^53 - 2)',
    details: { subject, paths },
    cause,
  })
}

const notPrepared = (subject: string): SluiceError =>
  new SluiceError({
    code: 'SLUICE_CODEC_NOT_PREPARED',
    message: `the schema of ${subject} was not registered before its serde was asked for`,
    remedy: 'await codecs.prepare([type]) first',
    details: { subject },
  })

const notLoaded = (subject: string, id: number): SluiceError =>
  new SluiceError({
    code: 'SLUICE_CODEC_SCHEMA_NOT_LOADED',
    message: `schema ${id} of a value of ${subject} is not loaded`,
    remedy: 'await codecs.load(codecs.missingIds(values)) before decoding',
    reaction: 'retry',
    details: { id, subject },
  })

const unresolvable = (subject: string, id: number, cause: unknown): SluiceError =>
  new SluiceError({
    code: 'SLUICE_CODEC_UNRESOLVABLE',
    message: `values written with schema ${id} cannot be read as ${subject}: ${messageOf(cause)}`,
    remedy: 'read with a schema that is compatible with all versions of the topic',
    details: { id, subject },
    cause,
  })
