import { SluiceError } from '../core/errors.ts'
import type { CompatibilityFault } from './compatibility.ts'

const compatibilityLevels = [
  'NONE',
  'BACKWARD',
  'BACKWARD_TRANSITIVE',
  'FORWARD',
  'FORWARD_TRANSITIVE',
  'FULL',
  'FULL_TRANSITIVE',
] as const

/** Who may read what, for a subject's versions; the project uses `FULL_TRANSITIVE`, since replay reads all versions. */
export type CompatibilityLevel = (typeof compatibilityLevels)[number]

export const isCompatibilityLevel = (value: unknown): value is CompatibilityLevel =>
  compatibilityLevels.some(level => level === value)

export interface RegisteredSchema {
  readonly id: number
  readonly version: number
  /** The schema as JSON text. */
  readonly schema: string
}

export interface CompatibilityAnswer {
  readonly compatible: boolean
  /** The registry's own words; empty when compatible. */
  readonly messages: readonly string[]
}

/**
 * A Confluent-compatible schema registry. Schemas travel as JSON text.
 *
 * Errors: `SLUICE_REGISTRY_UNAVAILABLE` (reaction `retry`: no registry answered), `SLUICE_REGISTRY_REFUSED`,
 * `SLUICE_SCHEMA_INCOMPATIBLE` (subject, version, field and rule in the message), `SLUICE_SCHEMA_UNKNOWN` (the registry itself
 * says that it has no schema of an id).
 */
export interface SchemaRegistry {
  /** Registers a version (or finds the equal one) and gives the id that goes in front of each value. */
  register(subject: string, schemaJson: string): Promise<number>
  schemaById(id: number): Promise<string>
  /** In alphabetical order. */
  subjects(): Promise<readonly string[]>
  /** All versions of a subject, oldest first; none for a subject that does not exist. */
  versions(subject: string): Promise<readonly RegisteredSchema[]>
  latest(subject: string): Promise<RegisteredSchema | undefined>
  /** The subject's level; undefined where it has none of its own. */
  compatibility(subject: string): Promise<CompatibilityLevel | undefined>
  /** False where the registry keeps no level for a subject without versions. */
  setCompatibility(subject: string, level: CompatibilityLevel): Promise<boolean>
  /** The registry's own verdict on whether a schema could be registered now; changes nothing. */
  checkCompatibility(subject: string, schemaJson: string): Promise<CompatibilityAnswer>
}

/** A schema does not go together with all versions of its subject; `version` is its own where it is one of them. */
export const incompatibleSchema = (
  subject: string,
  faults: readonly CompatibilityFault[],
  version?: number,
): SluiceError =>
  new SluiceError({
    code: 'SLUICE_SCHEMA_INCOMPATIBLE',
    message: `the schema of ${subject}${version === undefined ? '' : ` (version ${version})`} does not go together with all registered versions: ${faults.map(({ message }) => message).join('; ')}`,
    remedy: `${[...new Set(faults.map(({ remedy }) => remedy))].join('; ')}; or write to a new topic (docs/schemas.md)`,
    details: { subject, faults },
  })

/** The registry refused a version in which we see no fault, in its own words. */
export const refusedByRegistry = (subject: string, reason: string): SluiceError =>
  new SluiceError({
    code: 'SLUICE_SCHEMA_INCOMPATIBLE',
    message: `the registry refused the schema of ${subject}: ${reason}`,
    remedy: 'compare it with the registered versions (`sluice schemas check`); docs/schemas.md has the rules',
    details: { subject, faults: [] },
  })

export const unknownSchema = (id: number, cause?: unknown): SluiceError =>
  new SluiceError({
    code: 'SLUICE_SCHEMA_UNKNOWN',
    message: `the registry knows no schema with id ${id}`,
    remedy: 'check that the registry is the one the producers of the topic use',
    details: { id },
    cause,
  })
