import type { Position } from '../evidence.ts'

/**
 * Leaves out what was sent again from a dead letter behind the same event in the same partition: the copy was parked before it had any
 * effect, so both together are to have the effect of one. One whose first copy is gone from the log counts as the event. A header alone
 * excuses nothing: without an earlier copy of its event the record stays.
 *
 * @example withoutRetriedCopies([parked, sentAgain]) // [parked]
 */
export const withoutRetriedCopies = <T extends Position & { readonly eventId: string }>(
  records: readonly T[],
): T[] => {
  if (!records.some(({ retried }) => retried === true)) return [...records]
  const first = new Map<string, number>()
  for (const record of records) {
    const known = first.get(nameOf(record))
    if (known === undefined || record.offset < known) first.set(nameOf(record), record.offset)
  }
  return records.filter(record => record.retried !== true || first.get(nameOf(record)) === record.offset)
}

const nameOf = ({ partition, key, eventId }: Position & { readonly eventId: string }): string =>
  `${partition}\n${key}\n${eventId}`
