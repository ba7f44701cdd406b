import { SluiceError } from '../core/errors.ts'

/** Who may read what, for a subject's versions; the project uses `FULL_TRANSITIVE`, since replay reads all versions. */
export type CompatibilityLevel =
  'NONE' | 'BACKWARD' | 'BACKWARD_TRANSITIVE' | 'FORWARD' | 'FORWARD_TRANSITIVE' | 'FULL' | 'FULL_TRANSITIVE'

export interface RegisteredSchema {
  readonly id: number
  readonly version: number
  /** The schema as JSON text. */
  readonly schema: string
}

export interface CompatibilityAnswer {
  readonly compatible: boolean
  /** One sentence per fault; empty when compatible. */
  readonly messages: readonly string[]
}

/**
 * A Confluent-compatible schema registry. Schemas travel as JSON text.
 *
 * Errors: `SLUICE_REGISTRY_UNAVAILABLE` (reaction `retry`), `SLUICE_REGISTRY_REFUSED`, `SLUICE_SCHEMA_INCOMPATIBLE`
 * (subject, field and rule in the message), `SLUICE_SCHEMA_UNKNOWN`.
 */
export interface SchemaRegistry {
  /** Registers a version (or finds the equal one) and gives the id that goes in front of each value. */
  register(subject: string, schemaJson: string): Promise<number>
  schemaById(id: number): Promise<string>
  latest(subject: string): Promise<RegisteredSchema | undefined>
  setCompatibility(subject: string, level: CompatibilityLevel): Promise<void>
  /** Whether a schema could be registered now; changes nothing. */
  checkCompatibility(subject: string, schemaJson: string): Promise<CompatibilityAnswer>
}

/** A version was refused; `faults` name field and rule. */
export const incompatibleSchema = (
  subject: string,
  faults: readonly string[],
  cause?: unknown,
): SluiceError =>
  new SluiceError({
    code: 'SLUICE_SCHEMA_INCOMPATIBLE',
    message: `the schema of ${subject} cannot be changed like this: ${faults.join('; ')}`,
    remedy:
      'add fields with a default, remove only fields that have one, and keep names and types; or use a new topic',
    details: { subject, faults },
    cause,
  })

export const unknownSchema = (id: number, cause?: unknown): SluiceError =>
  new SluiceError({
    code: 'SLUICE_SCHEMA_UNKNOWN',
    message: `the registry knows no schema with id ${id}`,
    remedy: 'check that the registry is the one the producers of the topic use',
    details: { id },
    cause,
  })
