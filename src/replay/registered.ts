import type { SchemaRegistry } from '../codec/registry.ts'
import { checkSubject, requiredLevel } from '../codec/subject-check.ts'
import { SluiceError } from '../core/errors.ts'
import { mapLimited } from '../core/limited.ts'
import type { Topology } from '../streams/dsl/graph.ts'
import { avroTypesOf } from '../streams/engine/avro-types.ts'

const subjectsAtOnce = 8

/**
 * Throws unless every schema of a shadow is registered under the live subject already: starting it would register what is not, and
 * a replay changes nothing that is live. Errors: SLUICE_REPLAY_SCHEMA_UNREGISTERED, those of the registry.
 */
export const requireRegistered = async (shadow: Topology, registry: SchemaRegistry): Promise<void> => {
  const checks = await mapLimited(avroTypesOf(shadow), subjectsAtOnce, type => checkSubject(registry, type))
  const missing = checks
    .filter(({ registered, level }) => registered === undefined || level !== requiredLevel)
    .map(({ subject }) => subject)
  if (missing.length === 0) return
  throw new SluiceError({
    code: 'SLUICE_REPLAY_SCHEMA_UNREGISTERED',
    message: `live has never written with the schemas that this replay would write with: ${missing.join(', ')}`,
    remedy: 'run `sluice migrate` and start the live topology once with this version; then replay',
    details: { subjects: missing },
  })
}
