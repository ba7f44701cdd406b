import { SluiceError } from '../core/errors.ts'
import { incompatibilities } from './compatibility.ts'
import type { CompatibilityFault } from './compatibility.ts'
import { incompatibleSchema } from './registry.ts'
import type { CompatibilityLevel, RegisteredSchema, SchemaRegistry } from './registry.ts'

/** A schema as this program has it, and the subject it belongs to. */
export interface LocalSchema {
  readonly subject: string
  /** JSON text. */
  readonly schema: string
}

/** What a comparison has to know of a registry. */
export type SubjectVersions = Pick<SchemaRegistry, 'versions' | 'compatibility'>

/** How a local schema stands to its subject in the registry. */
export interface SubjectCheck {
  readonly subject: string
  /** Oldest first; none where the subject is new. */
  readonly versions: readonly RegisteredSchema[]
  /** The version that is the local schema already. */
  readonly registered: RegisteredSchema | undefined
  readonly level: CompatibilityLevel | undefined
  /** Against all versions, whatever the level. */
  readonly faults: readonly CompatibilityFault[]
}

/** What every subject has to have: replay reads all versions, and old workers run beside new ones. */
export const requiredLevel: CompatibilityLevel = 'FULL_TRANSITIVE'

/**
 * Compares a local schema with all registered versions of its subject; changes nothing.
 *
 * Errors: those of the registry, and `SLUICE_CODEC_SCHEMA_REFUSED` for what is no schema.
 */
export const checkSubject = async (registry: SubjectVersions, local: LocalSchema): Promise<SubjectCheck> => {
  const { subject, schema } = local
  const versions = await registry.versions(subject)
  return {
    subject,
    versions,
    registered: versions.find(version => isSameJson(version.schema, schema)),
    level: versions.length === 0 ? undefined : await registry.compatibility(subject),
    faults: incompatibilities(requiredLevel, schema, versions),
  }
}

/** Throws `SLUICE_SCHEMA_INCOMPATIBLE` where the check has found a fault. */
export const requireCompatible = ({ subject, faults, registered }: SubjectCheck): void => {
  if (faults.length > 0) throw incompatibleSchema(subject, faults, registered?.version)
}

/**
 * Registers a schema that `checkSubject` has found no fault in, and sees to the subject's level; gives the schema's id. Nothing
 * is written where both are there.
 *
 * Errors: those of the registry, and `SLUICE_REGISTRY_LEVEL_IGNORED`.
 */
export const registerSubject = async (
  registry: SchemaRegistry,
  local: LocalSchema,
  check: SubjectCheck,
): Promise<number> => {
  requireCompatible(check)
  const { subject, schema } = local
  const isSet = check.level === requiredLevel || (await registry.setCompatibility(subject, requiredLevel))
  const id = check.registered?.id ?? (await registry.register(subject, schema))
  if (!isSet) {
    // Some registries know no level for a subject without versions; until now another first version could slip in.
    await registry.setCompatibility(subject, requiredLevel)
    requireCompatible(await checkSubject(registry, local))
  }
  if (check.level !== requiredLevel) await requireLevel(registry, subject)
  return id
}

const requireLevel = async (registry: SchemaRegistry, subject: string): Promise<void> => {
  const level = await registry.compatibility(subject)
  if (level === requiredLevel) return
  throw new SluiceError({
    code: 'SLUICE_REGISTRY_LEVEL_IGNORED',
    message: `the registry keeps the compatibility level ${level ?? '(none)'} for ${subject}, although ${requiredLevel} was set`,
    remedy: `set the level ${requiredLevel} for ${subject} in the registry`,
    details: { subject, level },
  })
}

const isSameJson = (left: string, right: string): boolean =>
  left === right || JSON.stringify(JSON.parse(left)) === JSON.stringify(JSON.parse(right))
