import { openRegistry } from '../../app/adapters.ts'
import { incompatibleSchema } from '../../codec/registry.ts'
import type { SchemaRegistry } from '../../codec/registry.ts'
import { checkSubject, registerSubject } from '../../codec/subject-check.ts'
import type { LocalSchema } from '../../codec/subject-check.ts'
import { mapLimited } from '../../core/limited.ts'
import { SluiceError } from '../../core/errors.ts'
import { loadSettings } from '../settings.ts'
import { selectSubjects } from './local-schemas.ts'

/** What became of one schema. */
export type Registration =
  | {
      readonly subject: string
      readonly outcome: 'registered' | 'present'
      readonly version: number | undefined
      readonly id: number
    }
  | {
      readonly subject: string
      readonly outcome: 'refused'
      readonly message: string
      readonly remedy: string | undefined
    }

const subjectsAtOnce = 8

/**
 * Registers the schemas of the subjects named, of all that the topologies use when none is, and sets their level to
 * FULL_TRANSITIVE. What does not go together with all versions of its subject is refused; the others are registered all the same.
 *
 * Errors: those of the registry but `SLUICE_SCHEMA_INCOMPATIBLE`, `SLUICE_CLI_USAGE`.
 */
export const registerSchemas = async (subjects: readonly string[]): Promise<readonly Registration[]> => {
  const selected = selectSubjects(subjects)
  return registerAll(selected, openRegistry(await loadSettings(['registryUrl'])))
}

/** The same for schemas and a registry given. */
export const registerAll = (
  schemas: readonly LocalSchema[],
  registry: SchemaRegistry,
): Promise<Registration[]> => mapLimited(schemas, subjectsAtOnce, schema => registerOne(schema, registry))

const registerOne = async (schema: LocalSchema, registry: SchemaRegistry): Promise<Registration> => {
  const { subject } = schema
  const check = await checkSubject(registry, schema)
  if (check.faults.length > 0) return refusal(subject, incompatibleSchema(subject, check.faults))
  try {
    const id = await registerSubject(registry, schema, check)
    const version = check.registered ?? (await registry.versions(subject)).find(entry => entry.id === id)
    const outcome = check.registered === undefined ? 'registered' : 'present'
    return { subject, outcome, version: version?.version, id }
  } catch (error) {
    // The registry's own rules, or another first version that slipped in.
    if (error instanceof SluiceError && error.code === 'SLUICE_SCHEMA_INCOMPATIBLE')
      return refusal(subject, error)
    throw error
  }
}

const refusal = (subject: string, { message, remedy }: SluiceError): Registration => ({
  subject,
  outcome: 'refused',
  message,
  remedy,
})
