import type { Clock } from '../../core/clock.ts'
import type { ConsumedRecord, LogReader, OffsetPosition, TopicPartition } from '../../kafka/types.ts'
import { alignedReader } from './aligned-reader.ts'

/** Bounds on what a worker reads; for one that is to catch up with a log and end, beside others that must not suffer. */
export interface InputLimits {
  /** The offset of each partition before which to stop; partitions not named are read without end. */
  readonly ends?: readonly OffsetPosition[]
  /** Over all partitions. */
  readonly maxRecordsPerSecond?: number | undefined
  /** Partitions with an end are read in the order of their timestamps together, not each as fast as it comes. */
  readonly isTimeAligned?: boolean
}

// Enough for a steady stream at any rate, too little to be noticed by whoever shares the brokers.
const burstMs = 200

const placeOf = ({ topic, partition }: TopicPartition): string => `${topic}:${partition}`

/**
 * A reader that gives nothing at or behind the ends, and no more than so many records a second; without limits the reader itself.
 * A partition that has reached its end is paused, so nothing is fetched in vain.
 *
 * @example limitedReader(kafka.reader(), { ends: [{ topic: 'stock-movement', partition: 0, offset: 1_200 }] }, clock)
 */
export const limitedReader = (reader: LogReader, limits: InputLimits, clock: Clock): LogReader => {
  const { ends, maxRecordsPerSecond, isTimeAligned = false } = limits
  if (ends === undefined && maxRecordsPerSecond === undefined) return reader
  const limited = new LimitedReader(reader, limits, clock)
  return isTimeAligned ? alignedReader(limited, ends ?? [], clock) : limited
}

class LimitedReader implements LogReader {
  readonly #reader: LogReader
  readonly #clock: Clock
  readonly #perMs: number
  readonly #ends: ReadonlyMap<string, OffsetPosition>
  /** Where each partition was begun: one that was begun behind its end stays there. */
  readonly #begun = new Map<string, number>()
  #budget = 0
  #countedAt: number

  constructor(reader: LogReader, { ends = [], maxRecordsPerSecond = Infinity }: InputLimits, clock: Clock) {
    this.#reader = reader
    this.#clock = clock
    this.#perMs = maxRecordsPerSecond / 1_000
    this.#ends = new Map(ends.map(end => [placeOf(end), end]))
    this.#countedAt = clock.now()
  }

  assign(positions: readonly OffsetPosition[]): void {
    this.#begun.clear()
    this.#reader.assign(positions)
    this.#note(positions)
  }

  add(positions: readonly OffsetPosition[]): void {
    this.#reader.add(positions)
    this.#note(positions)
  }

  remove(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#begun.delete(placeOf(partition))
    this.#reader.remove(partitions)
  }

  pause(partitions: readonly TopicPartition[]): void {
    this.#reader.pause(partitions)
  }

  resume(partitions: readonly TopicPartition[]): void {
    this.#reader.resume(partitions)
    this.#pauseEnded()
  }

  async poll(maxRecords: number, maxWaitMs: number): Promise<ConsumedRecord[]> {
    const allowed = Math.min(maxRecords, this.#allowed())
    if (allowed < 1) {
      await this.#clock.sleep(Math.min(maxWaitMs, Math.ceil(1 / this.#perMs)))
      return []
    }
    const records = await this.#reader.poll(allowed, maxWaitMs)
    const within = records.filter(record => record.offset < this.#endOf(record))
    this.#budget -= within.length
    this.#pauseEnded()
    return within
  }

  position(partition: TopicPartition): number | undefined {
    const position = this.#reader.position(partition)
    if (position === undefined) return undefined
    return Math.max(this.#begun.get(placeOf(partition)) ?? 0, Math.min(position, this.#endOf(partition)))
  }

  endOffset(partition: TopicPartition): number | undefined {
    return this.#reader.endOffset(partition)
  }

  close(): Promise<void> {
    return this.#reader.close()
  }

  #endOf(partition: TopicPartition): number {
    return this.#ends.get(placeOf(partition))?.offset ?? Infinity
  }

  #allowed(): number {
    if (this.#perMs === Infinity) return Infinity
    const now = this.#clock.now()
    const most = Math.max(1, this.#perMs * burstMs)
    this.#budget = Math.min(most, this.#budget + (now - this.#countedAt) * this.#perMs)
    this.#countedAt = now
    return Math.floor(this.#budget)
  }

  #note(positions: readonly OffsetPosition[]): void {
    for (const position of positions) this.#begun.set(placeOf(position), position.offset)
    this.#pauseEnded()
  }

  #pauseEnded(): void {
    const ended = [...this.#ends.values()].filter(end => (this.#reader.position(end) ?? -1) >= end.offset)
    if (ended.length > 0) this.#reader.pause(ended)
  }
}
