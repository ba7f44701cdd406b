import { isDeepStrictEqual } from 'node:util'
import { incompatibilities } from '../../../codec/compatibility.ts'
import type { FormatDocument } from '../document.ts'

/** How two formats stand to each other; `unknown` where functions cannot be compared. */
export interface FormatDifference {
  readonly verdict: 'equal' | 'compatible' | 'incompatible' | 'unknown'
  /** One sentence each. */
  readonly faults: readonly string[]
}

const nameOf = (format: FormatDocument): string =>
  format.kind === 'avro' ? 'Avro' : format.kind === 'named' ? format.name : 'a format of its own'

/**
 * Whether what was written in one format can be read in another, and the other way round, as long as old and new workers or
 * records meet.
 *
 * @example compareFormats({ kind: 'named', name: 'utf8' }, { kind: 'opaque' }).verdict // 'incompatible'
 */
export const compareFormats = (before: FormatDocument, after: FormatDocument): FormatDifference => {
  if (before.kind === 'opaque' && after.kind === 'opaque') return { verdict: 'unknown', faults: [] }
  if (isDeepStrictEqual(before, after)) return { verdict: 'equal', faults: [] }
  if (before.kind !== 'avro' || after.kind !== 'avro') {
    return { verdict: 'incompatible', faults: [`written as ${nameOf(before)}, read as ${nameOf(after)}`] }
  }
  const former = { version: 1, schema: JSON.stringify(before.schema) }
  const faults = incompatibilities('FULL_TRANSITIVE', JSON.stringify(after.schema), [former]).map(
    ({ message }) => message.replaceAll('version 1', 'the former version'),
  )
  return faults.length === 0 ? { verdict: 'compatible', faults } : { verdict: 'incompatible', faults }
}
