import type { Direction } from './compatibility.ts'
import type { Mismatch } from './schema-resolution.ts'

/** What was changed, and what to do about it. */
interface Change {
  readonly what: string
  readonly remedy: string
}

/**
 * A mismatch in words of who changes a schema: what was changed, who suffers, what to do.
 *
 * @example describeMismatch(mismatch, 'backward', [1, 3]).message
 * // "field `lines[].price` was added without a default: values of versions 1 and 3 cannot be read with the new schema"
 */
export const describeMismatch = (
  mismatch: Mismatch,
  direction: Direction,
  versions: readonly number[],
): { readonly message: string; readonly remedy: string } => {
  const those = versionsInWords(versions)
  const { what, remedy } = changeOf(mismatch, direction, those)
  const consequence =
    direction === 'backward'
      ? `values of ${those} cannot be read with the new schema`
      : `readers of ${those} cannot read values of the new schema`
  return { message: `${what}: ${consequence}`, remedy }
}

const changeOf = (
  { rule, path, reader, writer }: Mismatch,
  direction: Direction,
  versions: string,
): Change => {
  const place = path === '' ? 'the value' : `\`${path}\``
  const isBackward = direction === 'backward'
  const [before, after] = isBackward ? [writer, reader] : [reader, writer]
  switch (rule) {
    case 'default':
      return isBackward
        ? {
            what: `field ${place} was added without a default`,
            remedy: `give ${place} a default, or its old name as an alias where it was renamed`,
          }
        : {
            what: `field ${place} was removed, and ${versions} ${versions.startsWith('versions') ? 'have' : 'has'} no default for it`,
            remedy: `keep ${place}: only fields with a default can be removed or renamed`,
          }
    case 'type':
      return {
        what: `${place} changed from ${before} to ${after}`,
        remedy: `keep the type of ${place}, and put the new one into a new field with a default`,
      }
    case 'union':
      return isBackward
        ? { what: `${place} no longer takes ${writer}`, remedy: `keep ${writer} in the type of ${place}` }
        : {
            what: `${place} now takes ${writer}, too`,
            remedy: `keep the type of ${place}, and put the new one into a new field with a default`,
          }
    case 'enum':
      return isBackward
        ? {
            what: `${symbols(writer)} of enum ${place} ${verb(writer)} removed, and the enum has no default`,
            remedy: `keep the symbols of ${place}`,
          }
        : {
            what: `${symbols(writer)} ${verb(writer)} added to enum ${place}, which has no default in ${versions}`,
            remedy: `keep the symbols of ${place}: only an enum that always had a default can get more`,
          }
    case 'fixed':
      return {
        what: `fixed ${place} changed from ${before} to ${after}`,
        remedy: `keep the size of ${place}, and put the new one into a new field with a default`,
      }
    case 'name':
      return {
        what: `the type of ${place} was renamed from ${before} to ${after}`,
        remedy: `keep the name ${before}: an alias helps new readers only`,
      }
    case 'logical-type':
      return {
        what: `${place} changed from ${before} to ${after}`,
        remedy: `keep ${before}, and put the ${after} into a new field with a default`,
      }
  }
}

const symbols = (list: string): string => (list.includes(', ') ? `symbols ${list}` : `symbol ${list}`)

const verb = (list: string): string => (list.includes(', ') ? 'were' : 'was')

/** `version 3`, `versions 1 and 3`, `versions 1, 2 and 3`. */
const versionsInWords = (versions: readonly number[]): string => {
  const last = versions.at(-1)
  return versions.length < 2 ? `version ${last}` : `versions ${versions.slice(0, -1).join(', ')} and ${last}`
}
