import { openRegistry } from '../../app/adapters.ts'
import type { CompatibilityLevel, SchemaRegistry } from '../../codec/registry.ts'
import { mapLimited } from '../../core/limited.ts'
import { loadSettings } from '../settings.ts'
import { declaredSchemas } from './local-schemas.ts'
import { reviewSchemas } from './check-schemas.ts'
import type { Verdict } from './check-schemas.ts'

/** What the registry holds of one subject. */
export interface ListedSubject {
  readonly subject: string
  readonly versions: readonly { readonly version: number; readonly id: number }[]
  readonly level: CompatibilityLevel | undefined
  /** How this release's schema stands to it; undefined where no topology uses the subject. */
  readonly verdict: Verdict | undefined
  /** The version that this release writes; undefined where it is not registered. */
  readonly current: number | undefined
}

const subjectsAtOnce = 8

/** Every subject of the registry, and those that the topologies use and that are yet to be registered. */
export const listSchemas = async (): Promise<readonly ListedSubject[]> =>
  listSubjects(openRegistry(await loadSettings(['registryUrl'])))

/** The same for a registry given. */
export const listSubjects = async (registry: SchemaRegistry): Promise<readonly ListedSubject[]> => {
  const declared = declaredSchemas()
  const reviews = new Map((await reviewSchemas(declared, registry)).map(review => [review.subject, review]))
  const subjects = new Set([...(await registry.subjects()), ...reviews.keys()])
  return mapLimited([...subjects].toSorted(), subjectsAtOnce, async subject => {
    const versions = await registry.versions(subject)
    const review = reviews.get(subject)
    return {
      subject,
      versions: versions.map(({ version, id }) => ({ version, id })),
      level: versions.length === 0 ? undefined : await registry.compatibility(subject),
      verdict: review?.verdict,
      current: review?.version,
    }
  })
}
