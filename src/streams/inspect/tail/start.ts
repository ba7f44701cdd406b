import type { KafkaAdmin, OffsetPosition, TopicPartition } from '../../../kafka/types.ts'

/** Where a tail begins in each partition. */
export type TailStart =
  | { readonly kind: 'now' }
  | { readonly kind: 'start' }
  /** So many records before the end. */
  | { readonly kind: 'last'; readonly count: number }
  /** Milliseconds since the epoch. */
  | { readonly kind: 'time'; readonly timestampMs: number }

const unitMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/**
 * A start as typed: `now`, `start`, `-<n>`, a time (ISO 8601), or how long ago (`90s`, `15m`, `2h`, `1d`). Undefined for all else.
 *
 * @example parseTailStart('15m', clock.now())
 */
export const parseTailStart = (text: string, nowMs: number): TailStart | undefined => {
  if (text === 'now' || text === 'start') return { kind: text }
  const count = /^-([1-9][0-9]{0,8})$/.exec(text)?.[1]
  if (count !== undefined) return { kind: 'last', count: Number(count) }
  const [, amount, unit] = /^([0-9]{1,9})([smhd])$/.exec(text) ?? []
  if (amount !== undefined && unit !== undefined)
    return { kind: 'time', timestampMs: nowMs - Number(amount) * (unitMs[unit] ?? 0) }
  const timestampMs = /^[0-9]{4}-[0-9]{2}-[0-9]{2}/.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(timestampMs) ? undefined : { kind: 'time', timestampMs }
}

// Markers and aborted records take offsets too, so more are looked at than are wanted.
const offsetsPerRecord = 4

/** The offsets to begin at; of `last`, those before which at most `factor` times the wanted records are looked at. */
export const startOffsets = async (
  admin: Pick<KafkaAdmin, 'listOffsets' | 'offsetsAt'>,
  partitions: readonly TopicPartition[],
  start: TailStart,
  ends: readonly OffsetPosition[],
  factor = 1,
): Promise<readonly OffsetPosition[]> => {
  if (start.kind === 'now') return ends
  if (start.kind === 'time') return admin.offsetsAt(partitions, start.timestampMs)
  const earliest = await admin.listOffsets(partitions, 'earliest')
  if (start.kind === 'start') return earliest
  const back = start.count * offsetsPerRecord * factor
  return earliest.map((first, index) => ({
    ...first,
    offset: Math.max(first.offset, (ends[index]?.offset ?? 0) - back),
  }))
}
