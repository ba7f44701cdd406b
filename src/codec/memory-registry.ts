import { incompatibilities } from './compatibility.ts'
import type { CompatibilityFault } from './compatibility.ts'
import { incompatibleSchema, unknownSchema } from './registry.ts'
import type { CompatibilityLevel, RegisteredSchema, SchemaRegistry } from './registry.ts'

/** A version that another registry has given an id. */
export interface SeededSchema {
  readonly subject: string
  readonly id: number
  /** The schema as JSON text. */
  readonly schema: string
}

/**
 * A registry within the process, for the broker-free test driver; same rules and errors as a real one.
 *
 * @param seed Versions it begins with, the oldest of each subject first: so that values written elsewhere can be read, and
 * values of the same schema get the same id.
 * @example memorySchemaRegistry([{ subject: 'order-created-value', id: 7, schema: '"string"' }])
 */
export const memorySchemaRegistry = (seed: readonly SeededSchema[] = []): SchemaRegistry => {
  const schemas = new Map<number, string>()
  const ids = new Map<string, number[]>()
  const levels = new Map<string, CompatibilityLevel>()
  const canonical = (schemaJson: string): string => JSON.stringify(JSON.parse(schemaJson))
  const addVersion = (subject: string, id: number, schema: string): number => {
    schemas.set(id, schema)
    ids.set(subject, [...(ids.get(subject) ?? []), id])
    return id
  }
  for (const { subject, id, schema } of seed) addVersion(subject, id, canonical(schema))
  const textOf = (id: number): string => {
    const schema = schemas.get(id)
    if (schema === undefined) throw unknownSchema(id)
    return schema
  }
  const versionsOf = (subject: string): RegisteredSchema[] =>
    (ids.get(subject) ?? []).map((id, index) => ({ id, version: index + 1, schema: textOf(id) }))
  const faultsOf = (subject: string, schema: string): CompatibilityFault[] =>
    incompatibilities(levels.get(subject) ?? 'BACKWARD', schema, versionsOf(subject))

  return {
    register: async (subject, schemaJson) => {
      const schema = canonical(schemaJson)
      const known = versionsOf(subject).find(version => version.schema === schema)
      if (known !== undefined) return known.id
      const faults = faultsOf(subject, schema)
      if (faults.length > 0) throw incompatibleSchema(subject, faults)
      const shared = [...schemas].find(([, text]) => text === schema)?.[0]
      return addVersion(subject, shared ?? Math.max(0, ...schemas.keys()) + 1, schema)
    },
    schemaById: async id => textOf(id),
    subjects: async () => [...ids.keys()].toSorted(),
    versions: async subject => versionsOf(subject),
    latest: async subject => versionsOf(subject).at(-1),
    compatibility: async subject => levels.get(subject),
    setCompatibility: async (subject, level) => {
      levels.set(subject, level)
      return true
    },
    checkCompatibility: async (subject, schemaJson) => {
      const messages = faultsOf(subject, canonical(schemaJson)).map(({ message }) => message)
      return { compatible: messages.length === 0, messages }
    },
  }
}
