import { SluiceError } from '../core/errors.ts'
import type { KafkaAdmin, OffsetPosition, TopicPartition } from '../kafka/types.ts'

/** From where a replay reads its live topics. */
export type ReplayFrom =
  | { readonly kind: 'start' }
  /** Milliseconds since the epoch, event time. */
  | { readonly kind: 'time'; readonly atMs: number }
  /** Partitions that are not named are read from their start. */
  | { readonly kind: 'offset'; readonly positions: readonly OffsetPosition[] }

const offsetPattern = /^(.+)-([0-9]+)=([0-9]+)$/

/**
 * `start`, an ISO time, or `offset:<topic>-<partition>=<offset>[,…]`. Errors: SLUICE_REPLAY_FROM_INVALID.
 *
 * @example parseFrom('offset:stock-update-0=1200,stock-update-1=1180')
 */
export const parseFrom = (text: string): ReplayFrom => {
  if (text === 'start') return { kind: 'start' }
  if (text.startsWith('offset:')) {
    const positions = text
      .slice('offset:'.length)
      .split(',')
      .map(part => {
        const match = offsetPattern.exec(part.trim())
        if (match === null) throw invalid(text)
        return { topic: match[1] ?? '', partition: Number(match[2]), offset: Number(match[3]) }
      })
    return { kind: 'offset', positions }
  }
  const atMs = /^\d{4}-\d{2}-\d{2}(T|$)/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(atMs)) throw invalid(text)
  return { kind: 'time', atMs }
}

const placeOf = ({ topic, partition }: TopicPartition): string => `${topic}-${partition}`

/** The first offset to read of each partition. Errors: SLUICE_REPLAY_FROM_INVALID for partitions that are not read. */
export const resolveStarts = async (
  from: ReplayFrom,
  admin: Pick<KafkaAdmin, 'listOffsets' | 'offsetsAt'>,
  partitions: readonly TopicPartition[],
): Promise<readonly OffsetPosition[]> => {
  const earliest = await admin.listOffsets(partitions, 'earliest')
  if (from.kind === 'start') return earliest
  if (from.kind === 'time') return admin.offsetsAt(partitions, from.atMs)
  const named = new Map(from.positions.map(position => [placeOf(position), position.offset]))
  const unknown = [...named.keys()].filter(place => !partitions.some(of => placeOf(of) === place))
  if (unknown.length > 0) throw notRead(unknown, partitions)
  // What was deleted cannot be read, whatever was asked for.
  return earliest.map(first => ({
    ...first,
    offset: Math.max(first.offset, named.get(placeOf(first)) ?? first.offset),
  }))
}

/** Whether a replay from there has seen everything that ever was on its topics. */
export const isComplete = (starts: readonly OffsetPosition[]): boolean =>
  starts.every(({ offset }) => offset === 0)

/**
 * Throws where a result would silently lack what happened before the first record read. Errors: SLUICE_REPLAY_STATE_MISSING.
 */
export const requireWholeLog = (
  from: ReplayFrom,
  starts: readonly OffsetPosition[],
  options: { readonly isStateful: boolean; readonly isPartial: boolean },
): void => {
  if (isComplete(starts) || options.isPartial) return
  const late = starts.filter(({ offset }) => offset > 0).map(start => `${placeOf(start)} at ${start.offset}`)
  if (from.kind === 'start') {
    throw stateMissing(
      `the log does not begin at its beginning any more: ${late.join(', ')}`,
      'older records were deleted by retention: say --partial to replay what is left; compared is then only what can be',
      late,
    )
  }
  if (!options.isStateful) return
  throw stateMissing(
    `state that was built before is missing when reading begins later: ${late.join(', ')}`,
    'replay from the start, or say --partial: compared is then only what can be',
    late,
  )
}

const stateMissing = (message: string, remedy: string, starts: readonly string[]): SluiceError =>
  new SluiceError({ code: 'SLUICE_REPLAY_STATE_MISSING', message, remedy, details: { starts } })

const invalid = (text: string): SluiceError =>
  new SluiceError({
    code: 'SLUICE_REPLAY_FROM_INVALID',
    message: `"${text}" does not say where to begin`,
    remedy:
      'write start, a time (2026-01-31T12:00:00Z), or offset:<topic>-<partition>=<offset>[,…]; for the target orders also outbox',
    details: { from: text },
  })

const notRead = (places: readonly string[], partitions: readonly TopicPartition[]): SluiceError =>
  new SluiceError({
    code: 'SLUICE_REPLAY_FROM_INVALID',
    message: `this replay does not read ${places.join(', ')}`,
    remedy: `name some of: ${partitions.map(placeOf).join(', ')}`,
    details: { places },
  })
