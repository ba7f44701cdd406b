import { avroNodes } from './avro-nodes.ts'
import { describeMismatch } from './compatibility-words.ts'
import type { CompatibilityLevel, RegisteredSchema } from './registry.ts'
import { mismatches } from './schema-resolution.ts'
import type { Mismatch, ResolutionRule } from './schema-resolution.ts'

/** `backward`: the new schema cannot read older values; `forward`: an older reader cannot read new values. */
export type Direction = 'backward' | 'forward'

/** One thing that makes a new version incompatible, with every earlier version it is so with. */
export interface CompatibilityFault {
  readonly rule: ResolutionRule
  /** Where in the value, e.g. `lines[].sku`; empty for the whole. */
  readonly path: string
  readonly direction: Direction
  readonly versions: readonly number[]
  /** One sentence: what was changed and who suffers. */
  readonly message: string
  /** What to do about it. */
  readonly remedy: string
}

/**
 * Why values of one schema could not be read with another, as data; empty when all can.
 *
 * @example unreadable({ type: 'long' }, { type: 'string' }) // [{ rule: 'type', path: '', reader: 'long', writer: 'string' }]
 */
export const unreadable = (reader: unknown, writer: unknown): Mismatch[] =>
  mismatches(avroNodes(reader), avroNodes(writer))

type Earlier = Pick<RegisteredSchema, 'version' | 'schema'>

/**
 * The faults of a new version against earlier ones, in ascending order, under a registry's level.
 *
 * Errors: `SLUICE_CODEC_SCHEMA_REFUSED` for what is no schema.
 *
 * @example incompatibilities('FULL_TRANSITIVE', newJson, await registry.versions('order-created-value'))
 */
export const incompatibilities = (
  level: CompatibilityLevel,
  next: string,
  earlier: readonly Earlier[],
): CompatibilityFault[] => {
  if (level === 'NONE') return []
  const newer = avroNodes(JSON.parse(next))
  const against = level.endsWith('_TRANSITIVE') ? earlier : earlier.slice(-1)
  const found = new Map<string, { direction: Direction; mismatch: Mismatch; versions: number[] }>()
  const note = (direction: Direction, version: number, faults: readonly Mismatch[]): void => {
    for (const mismatch of faults) {
      const key = [direction, ...Object.values(mismatch)].join('|')
      const entry = found.get(key) ?? { direction, mismatch, versions: [] }
      if (!entry.versions.includes(version)) entry.versions.push(version)
      found.set(key, entry)
    }
  }
  for (const { version, schema } of against) {
    const older = avroNodes(JSON.parse(schema))
    if (!level.startsWith('FORWARD')) note('backward', version, mismatches(newer, older))
    if (!level.startsWith('BACKWARD')) note('forward', version, mismatches(older, newer))
  }
  return [...found.values()].map(({ direction, mismatch, versions }) => ({
    rule: mismatch.rule,
    path: mismatch.path,
    direction,
    versions,
    ...describeMismatch(mismatch, direction, versions),
  }))
}
