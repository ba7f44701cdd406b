import type { Clock } from '../core/clock.ts'
import { SluiceError } from '../core/errors.ts'
import { mapLimited } from '../core/limited.ts'
import { BoundedMap } from './bounded-map.ts'
import type { CodecLimits } from './limits.ts'
import { unknownSchema } from './registry.ts'
import type { SchemaRegistry } from './registry.ts'
import { parseSchema } from './schema.ts'
import type { ParsedSchema } from './schema.ts'

export interface WriterSchemasOptions {
  readonly registry: SchemaRegistry
  readonly limits: CodecLimits
  readonly clock: Clock
  /** Schemas kept at most, besides the own ones; more than values of one turn may need. */
  readonly maxSchemas: number
  /** How long an id is not asked for again after the registry has said that there is none. */
  readonly unknownForMs: number
}

/** A schema that values were written with, or why values with this id can never be decoded. */
type Found = ParsedSchema | SluiceError

/** Rejects where the registry is not the one this process registered with; asks once for all ids of a load. */
type RequireOurs = (missing: number) => Promise<void>

const requestsAtOnce = 8
/** More than the records of a turn, each of which may carry an id of its own. */
const unknownIdsKept = 100_000
/** The wire format's id is a signed 32-bit number; a registry does not even understand a larger one. */
const largestId = 2_147_483_647

/**
 * The schemas values were written with, by id. Each is fetched once; callers that miss the same id share one request.
 *
 * Three states that must not be confused: *found*; *bad* for sure (the registry says that there is no such id, or its schema
 * is refused), which is the record's fault; and *not asked yet*, because the registry could not be reached, which is not.
 */
export class WriterSchemas {
  readonly #options: WriterSchemasOptions
  readonly #own = new Map<number, ParsedSchema>()
  readonly #found: BoundedMap<number, Found>
  /** Until when an id that does not exist is not asked for again. */
  readonly #unknown = new BoundedMap<number, number>(unknownIdsKept)
  readonly #loading = new Map<number, Promise<void>>()

  constructor(options: WriterSchemasOptions) {
    this.#options = options
    this.#found = new BoundedMap(options.maxSchemas)
  }

  /** A schema this process has registered itself: never forgotten. */
  addOwn(id: number, schema: ParsedSchema): void {
    this.#own.set(id, schema)
  }

  /** A version that the registry has listed, so that it need not be fetched. */
  add(id: number, schemaJson: string): void {
    if (this.#own.has(id)) return
    this.#unknown.delete(id)
    this.#found.set(id, this.#parse(id, schemaJson))
  }

  /** Whether `load` has something to do for this id. */
  isMissing(id: number): boolean {
    if (this.#own.has(id) || this.#found.get(id) !== undefined) return false
    return (this.#unknown.get(id) ?? -Infinity) <= this.#options.clock.now()
  }

  /**
   * The schema; undefined where `load` has not been awaited. Errors: `SLUICE_SCHEMA_UNKNOWN` where the registry has no such
   * id, `SLUICE_CODEC_SCHEMA_REFUSED` where it has one that is not used.
   */
  get(id: number): ParsedSchema | undefined {
    const found = this.#own.get(id) ?? this.#found.get(id)
    if (found instanceof SluiceError) throw found
    if (found === undefined && this.#unknown.get(id) !== undefined) throw unknownSchema(id)
    return found
  }

  /**
   * Asks the registry for ids. An id that does not exist is no error here, but one of `get`. Errors:
   * `SLUICE_REGISTRY_UNAVAILABLE` and `SLUICE_REGISTRY_FOREIGN`, both `retry`; what was answered until then is kept.
   */
  async load(ids: Iterable<number>): Promise<void> {
    let ours: Promise<void> | undefined
    const requireOurs: RequireOurs = id => (ours ??= this.#requireOurRegistry(id))
    await mapLimited([...ids], requestsAtOnce, id => this.#loadOne(id, requireOurs))
  }

  #loadOne(id: number, requireOurs: RequireOurs): Promise<void> {
    if (!this.isMissing(id)) return Promise.resolve()
    const running = this.#loading.get(id)
    if (running !== undefined) return running
    const loading = this.#fetch(id, requireOurs).finally(() => this.#loading.delete(id))
    this.#loading.set(id, loading)
    return loading
  }

  async #fetch(id: number, requireOurs: RequireOurs): Promise<void> {
    if (id > largestId) {
      this.#remember(id)
      return
    }
    try {
      this.add(id, await this.#options.registry.schemaById(id))
    } catch (error) {
      if (!isUnknown(error)) throw error
      await requireOurs(id)
      this.#remember(id)
    }
  }

  /** A registry that was emptied knows no id: that is not the records' fault, and they must not be treated as bad. */
  async #requireOurRegistry(missing: number): Promise<void> {
    const [own] = this.#own
    if (own === undefined) return
    const [id, { type }] = own
    try {
      const theirs = parseSchema(await this.#options.registry.schemaById(id), this.#options.limits)
      if (theirs.type.equals(type)) return
    } catch (error) {
      if (!isUnknown(error)) throw error
    }
    throw foreignRegistry(missing, id)
  }

  #remember(id: number): void {
    this.#unknown.set(id, this.#options.clock.now() + this.#options.unknownForMs)
  }

  #parse(id: number, schemaJson: string): Found {
    try {
      return parseSchema(schemaJson, this.#options.limits)
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error
      return new SluiceError({
        code: error.code,
        message: `${error.message} (schema ${id} of the registry)`,
        ...(error.remedy === undefined ? {} : { remedy: error.remedy }),
        details: { ...error.details, id },
        cause: error,
      })
    }
  }
}

const isUnknown = (error: unknown): error is SluiceError =>
  error instanceof SluiceError && error.code === 'SLUICE_SCHEMA_UNKNOWN'

const foreignRegistry = (missing: number, own: number): SluiceError =>
  new SluiceError({
    code: 'SLUICE_REGISTRY_FOREIGN',
    message: `the schema registry has no schema ${missing}, and schema ${own}, which this process registered, is gone or another: it was emptied or replaced`,
    remedy: 'restore the registry from its backup, or point to the right one; records wait until then',
    reaction: 'retry',
    details: { missing, own },
  })
