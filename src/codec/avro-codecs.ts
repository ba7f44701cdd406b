import type avsc from 'avsc'
import { systemClock } from '../core/clock.ts'
import type { Clock } from '../core/clock.ts'
import { messageOf, SluiceError } from '../core/errors.ts'
import { mapLimited } from '../core/limited.ts'
import { BoundedMap } from './bounded-map.ts'
import type { AvroType } from './avro.ts'
import { defaultLimits, malformed } from './limits.ts'
import type { CodecLimits } from './limits.ts'
import type { SchemaRegistry } from './registry.ts'
import { parseSchema } from './schema.ts'
import type { ParsedSchema } from './schema.ts'
import type { Serde } from './serde.ts'
import { slabAllocator } from './slab.ts'
import { checkSubject, registerSubject, requireCompatible } from './subject-check.ts'
import { prefixLength, schemaIdOf } from './wire-format.ts'
import { WriterSchemas } from './writer-schemas.ts'

const subjectsAtOnce = 8

type Resolver = ReturnType<avsc.Type['createResolver']>

/** How one type reads the values of one writer; no resolver where the schemas are equal. */
interface Reading {
  readonly prescan: ParsedSchema['prescan']
  readonly resolver: Resolver | undefined
}

export interface AvroCodecsOptions {
  readonly limits?: Partial<CodecLimits>
  readonly clock?: Clock
  /** Writers' schemas kept in memory. Default 2,000. */
  readonly maxSchemas?: number
  /** How long an id that the registry does not know is not asked for again. Default 30,000. */
  readonly unknownForMs?: number
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
  readonly #writers: WriterSchemas
  readonly #maxSchemas: number
  readonly #slab = slabAllocator()

  constructor(registry: SchemaRegistry, options: AvroCodecsOptions = {}) {
    const { clock = systemClock, maxSchemas = 2_000, unknownForMs = 30_000 } = options
    this.#registry = registry
    this.#limits = { ...defaultLimits, ...options.limits }
    this.#maxSchemas = maxSchemas
    this.#writers = new WriterSchemas({ registry, limits: this.#limits, clock, maxSchemas, unknownForMs })
  }

  /**
   * Compares each schema with all registered versions of its subject, in both directions, and only when all of them pass
   * registers what is new; remembers the ids. Errors: `SLUICE_SCHEMA_INCOMPATIBLE`, `SLUICE_CODEC_SCHEMA_REFUSED`, those of
   * the registry.
   */
  async prepare(types: Iterable<AvroType<unknown>>): Promise<void> {
    const fresh = new Map([...types].map(type => [keyOf(type), type]))
    for (const key of this.#ids.keys()) fresh.delete(key)
    const checked = await mapLimited([...fresh.values()], subjectsAtOnce, async type => ({
      type,
      parsed: parseSchema(type.schema, this.#limits),
      check: await checkSubject(this.#registry, type),
    }))
    for (const { type, parsed, check } of checked) {
      requireCompatible(check)
      for (const { id, schema } of check.versions) this.#writers.add(id, schema)
      for (const { id } of check.versions) this.#reading(type.subject, parsed.type, id)
    }
    await mapLimited(checked, subjectsAtOnce, async ({ type, parsed, check }) => {
      const id = await registerSubject(this.#registry, type, check)
      this.#writers.addOwn(id, parsed)
      this.#ids.set(keyOf(type), id)
    })
  }

  /**
   * The type must have been prepared. Errors of the serde that are the value's own fault, for ever: `SLUICE_CODEC_*` and
   * `SLUICE_SCHEMA_UNKNOWN` (the registry has no schema of its id), all but `SLUICE_CODEC_SCHEMA_NOT_LOADED`, whose reaction
   * is `retry`.
   */
  serde<T>(type: AvroType<T>): Serde<T> {
    const id = this.#ids.get(keyOf(type))
    if (id === undefined) throw notPrepared(type.subject)
    const own = parseSchema(type.schema, this.#limits)
    const readings = new BoundedMap<number, Reading>(this.#maxSchemas)
    let last: { readonly id: number; readonly reading: Reading } = {
      id,
      reading: { prescan: own.prescan, resolver: undefined },
    }
    readings.set(id, last.reading)
    const readingOf = (writerId: number): Reading => {
      const known = readings.get(writerId)
      if (known !== undefined) return known
      const reading = this.#reading(type.subject, own.type, writerId)
      readings.set(writerId, reading)
      return reading
    }
    return {
      encode: value => this.#encode(type.subject, own.type, id, value),
      decode: bytes => {
        const writerId = schemaIdOf(bytes)
        // Nearly always the same as the last one.
        if (writerId !== last.id) last = { id: writerId, reading: readingOf(writerId) }
        return decodeWith(own.type, last.reading, bytes, type.subject, this.#limits) as T
      },
    }
  }

  /** Ids that occur in the values and are to be loaded; values of another format are passed over. */
  missingIds(values: Iterable<Buffer | null>): number[] {
    const missing = new Set<number>()
    let last = -1
    for (const value of values) {
      if (value === null || value.length < prefixLength || value[0] !== 0) continue
      const id = value.readUInt32BE(1)
      if (id === last) continue
      last = id
      if (this.#writers.isMissing(id)) missing.add(id)
    }
    return [...missing]
  }

  /**
   * Fetches writers' schemas, each once. An id that the registry does not know is an error of decoding its values, not of this.
   * Errors: `SLUICE_REGISTRY_UNAVAILABLE`, `SLUICE_REGISTRY_FOREIGN`; try again, no value is bad because of them.
   */
  load(ids: Iterable<number>): Promise<void> {
    return this.#writers.load(ids)
  }

  /**
   * The value as its own writer's schema has it, for whoever only looks at it: nothing need be prepared, and nothing is registered.
   * `load` must have been awaited. Errors: as those of a serde.
   */
  decodeAsWritten(bytes: Buffer): unknown {
    const id = schemaIdOf(bytes)
    const subject = `schema ${id}`
    const writer = this.#writers.get(id)
    if (writer === undefined) throw notLoaded(subject, id)
    const reading = { prescan: writer.prescan, resolver: undefined }
    return decodeWith(writer.type, reading, bytes, subject, this.#limits)
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
    if (writer === undefined) throw notLoaded(subject, writerId)
    try {
      return {
        prescan: writer.prescan,
        resolver: reader.createResolver(writer.type, { ignoreNamespaces: true }),
      }
    } catch (error) {
      throw unresolvable(subject, writerId, error)
    }
  }
}

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
    remedy: 'give every field of the schema, and integers from -(2^52) to 2^53 - 2',
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
