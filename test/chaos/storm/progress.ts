import { lagOf, totalLag } from '../../../src/cli/lag.ts'
import type { Clock } from '../../../src/core/clock.ts'
import type { KafkaAdmin } from '../../../src/kafka/types.ts'
import { bookPartitions, type Book } from './book.ts'

/** How long committed positions stood still at most, while there was something to read. */
export interface Progress {
  /** All of them at the same time. */
  readonly longestStallMs: number
  /** A single partition's. */
  readonly longestPartitionStallMs: number
}

const pollIntervalMs = 200

const inputsOf = (book: Book) =>
  [book.moves.name, `${book.flow.name}-by-sku-repartition`, book.updates.name].flatMap(topic =>
    Array.from({ length: bookPartitions }, (_, partition) => ({ topic, partition })),
  )

/** Watches committed positions until told to stop. */
export const watchProgress = async (
  admin: KafkaAdmin,
  book: Book,
  clock: Clock,
  signal: AbortSignal,
): Promise<Progress> => {
  const places = new Map<string, { offset: number; movedAt: number; stallMs: number }>()
  const whole = { movedAt: clock.now(), stallMs: 0 }
  while (!signal.aborted) {
    const positions = await admin.unstableOffsets(book.flow.name, inputsOf(book))
    const now = clock.now()
    for (const { topic, partition, offset } of positions) {
      const place = places.get(`${topic}-${partition}`) ?? { offset, movedAt: now, stallMs: 0 }
      places.set(`${topic}-${partition}`, place)
      // A partition without a record has nothing to move over.
      if (offset > 0) place.stallMs = Math.max(place.stallMs, now - place.movedAt)
      if (offset === place.offset) continue
      whole.stallMs = Math.max(whole.stallMs, now - whole.movedAt)
      whole.movedAt = now
      place.offset = offset
      place.movedAt = now
    }
    await clock.sleep(pollIntervalMs, signal).catch(() => {})
  }
  return {
    longestStallMs: Math.max(whole.stallMs, clock.now() - whole.movedAt),
    longestPartitionStallMs: Math.max(0, ...[...places.values()].map(({ stallMs }) => stallMs)),
  }
}

/** Resolves when nothing is left to read; rejects when that takes longer than `timeoutMs`. */
export const untilNothingIsLeft = async (
  admin: KafkaAdmin,
  book: Book,
  clock: Clock,
  timeoutMs: number,
): Promise<void> => {
  const deadline = clock.now() + timeoutMs
  for (;;) {
    const lag = await lagOf(admin, book.flow)
    if (lag.length > 0 && totalLag(lag) === 0) return
    if (clock.now() > deadline)
      throw new Error(
        `${totalLag(lag)} records are left after ${timeoutMs / 1_000} s: ${JSON.stringify(lag)}`,
      )
    await clock.sleep(pollIntervalMs)
  }
}
