import { incompatibilities } from './compatibility.ts'
import type { CompatibilityFault } from './compatibility.ts'
import { incompatibleSchema, unknownSchema } from './registry.ts'
import type { CompatibilityLevel, RegisteredSchema, SchemaRegistry } from './registry.ts'

/** A registry within the process, for the broker-free test driver; same rules and errors as a real one. */
export const memorySchemaRegistry = (): SchemaRegistry => {
  const schemas: string[] = []
  const ids = new Map<string, number[]>()
  const levels = new Map<string, CompatibilityLevel>()
  const canonical = (schemaJson: string): string => JSON.stringify(JSON.parse(schemaJson))
  const textOf = (id: number): string => {
    const schema = schemas[id - 1]
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
      const shared = schemas.indexOf(schema)
      const id = shared === -1 ? schemas.push(schema) : shared + 1
      ids.set(subject, [...(ids.get(subject) ?? []), id])
      return id
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
