import { incompatibilities } from './compatibility.ts'
import { incompatibleSchema, unknownSchema } from './registry.ts'
import type { CompatibilityLevel, SchemaRegistry } from './registry.ts'

/** A registry within the process, for the broker-free test driver; same rules and errors as a real one. */
export const memorySchemaRegistry = (): SchemaRegistry => {
  const schemas: string[] = []
  const versions = new Map<string, number[]>()
  const levels = new Map<string, CompatibilityLevel>()
  const canonical = (schemaJson: string): string => JSON.stringify(JSON.parse(schemaJson))
  const textOf = (id: number): string => {
    const schema = schemas[id - 1]
    if (schema === undefined) throw unknownSchema(id)
    return schema
  }
  const faultsOf = (subject: string, schema: string): string[] =>
    incompatibilities(levels.get(subject) ?? 'BACKWARD', schema, (versions.get(subject) ?? []).map(textOf))

  return {
    register: async (subject, schemaJson) => {
      const schema = canonical(schemaJson)
      const ids = versions.get(subject) ?? []
      const known = ids.find(id => textOf(id) === schema)
      if (known !== undefined) return known
      const faults = faultsOf(subject, schema)
      if (faults.length > 0) throw incompatibleSchema(subject, faults)
      const shared = schemas.indexOf(schema)
      const id = shared === -1 ? schemas.push(schema) : shared + 1
      versions.set(subject, [...ids, id])
      return id
    },
    schemaById: async id => textOf(id),
    latest: async subject => {
      const ids = versions.get(subject) ?? []
      const id = ids.at(-1)
      return id === undefined ? undefined : { id, version: ids.length, schema: textOf(id) }
    },
    setCompatibility: async (subject, level) => {
      levels.set(subject, level)
    },
    checkCompatibility: async (subject, schemaJson) => {
      const messages = faultsOf(subject, canonical(schemaJson))
      return { compatible: messages.length === 0, messages }
    },
  }
}
