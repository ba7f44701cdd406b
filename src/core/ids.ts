import { v5, v7 } from 'uuid'

/** Namespace of every name-based id the project derives; changing it would break deduplication of old logs. */
const namespace = '6f0c1f8e-6a55-5d0f-9a36-6d2f4c1b7e10'

/** A new time-ordered id (UUIDv7), for what the server itself gives birth to: orders, adjustments. */
export const newId = (): string => v7()

/**
 * The id of an event that follows from another: the same source, step and ordinal always give the same id,
 * so that a repeated run writes no second event.
 *
 * @example derivedId(orderId, 'line', 0)
 */
export const derivedId = (sourceId: string, step: string, ordinal: number | string): string =>
  v5(`${sourceId}|${step}|${ordinal}`, namespace)
