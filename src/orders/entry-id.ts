import { derivedId, newId } from '../core/ids.ts'

/** What holds stock in Cassandra, and has a row of the same id in Postgres once it is accepted. */
export type EntryKind = 'order' | 'adjustment'

/** The id of a new order: a UUIDv7, so that it carries its time of birth. */
export const newOrderId = (): string => newId()

/**
 * The id of a new adjustment: a UUIDv5. An intent holds nothing but an id, so the reaper tells by the version which
 * table has to know it.
 */
export const newAdjustmentId = (): string => derivedId(newId(), 'adjustment', 0)

const versionAt = 14

/** @example entryKindOf(newOrderId()) // 'order' */
export const entryKindOf = (id: string): EntryKind => (id[versionAt] === '5' ? 'adjustment' : 'order')
