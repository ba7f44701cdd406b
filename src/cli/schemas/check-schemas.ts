import { openRegistry } from '../../app/adapters.ts'
import type { CompatibilityFault } from '../../codec/compatibility.ts'
import type { CompatibilityLevel } from '../../codec/registry.ts'
import { checkSubject, requiredLevel } from '../../codec/subject-check.ts'
import type { LocalSchema, SubjectCheck, SubjectVersions } from '../../codec/subject-check.ts'
import { mapLimited } from '../../core/limited.ts'
import { loadSettings } from '../settings.ts'
import { readSchemas, selectSchemas } from './local-schemas.ts'

/** `compatible`: a version that is not there yet and goes together with all that are. */
export type Verdict = 'equal' | 'new' | 'compatible' | 'incompatible'

/** How one schema of this release stands to its subject. */
export interface SchemaReview {
  readonly subject: string
  readonly verdict: Verdict
  /** The registered version that it is equal to, and that version's id. */
  readonly version: number | undefined
  readonly id: number | undefined
  /** All that it was compared with. */
  readonly versions: readonly number[]
  readonly level: CompatibilityLevel | undefined
  readonly faults: readonly CompatibilityFault[]
}

const subjectsAtOnce = 8

/**
 * Compares schemas with every registered version of their subjects, or with folders of former releases, oldest first, where some
 * are given (no registry is needed then). Changes nothing.
 *
 * Errors: those of the registry, `SLUICE_CLI_USAGE`, `SLUICE_CODEC_SCHEMA_REFUSED`.
 */
export const checkSchemas = async (
  places: readonly string[],
  against: readonly string[],
): Promise<readonly SchemaReview[]> => {
  const local = await selectSchemas(places)
  const versions =
    against.length > 0 ? await versionsInFolders(against) : openRegistry(await loadSettings(['registryUrl']))
  return reviewSchemas(local, versions)
}

/** The same for schemas and versions given. */
export const reviewSchemas = (
  local: readonly LocalSchema[],
  versions: SubjectVersions,
): Promise<SchemaReview[]> =>
  mapLimited(local, subjectsAtOnce, async schema => reviewOf(await checkSubject(versions, schema)))

const reviewOf = ({ subject, versions, registered, level, faults }: SubjectCheck): SchemaReview => ({
  subject,
  verdict: verdictOf(faults.length, registered !== undefined, versions.length),
  version: registered?.version,
  id: registered?.id,
  versions: versions.map(({ version }) => version),
  level,
  faults,
})

const verdictOf = (faults: number, isRegistered: boolean, versions: number): Verdict => {
  if (faults > 0) return 'incompatible'
  if (isRegistered) return 'equal'
  return versions === 0 ? 'new' : 'compatible'
}

/** Folders of former releases in the place of a registry: the first folder's schemas are version 1, and so on. */
const versionsInFolders = async (folders: readonly string[]): Promise<SubjectVersions> => {
  const releases = await Promise.all(folders.map(readSchemas))
  return {
    versions: async subject =>
      releases.flatMap((release, index) =>
        release
          .filter(schema => schema.subject === subject)
          .map(({ schema }) => ({ id: index + 1, version: index + 1, schema })),
      ),
    compatibility: async () => requiredLevel,
  }
}
