import type { Clock } from '../../core/clock.ts'
import type { ConsumedRecord, LogReader, OffsetPosition, TopicPartition } from '../../kafka/types.ts'

const mostHeld = 2_000
// Tasks become ready one after the other; whoever has waited for this long has got all that it will get.
const settlingMs = 1_500

const placeOf = ({ topic, partition }: TopicPartition): string => `${topic}:${partition}`

/** A partition that is merged with others. */
interface Lane {
  readonly end: OffsetPosition
  held: ConsumedRecord[]
  isPaused: boolean
}

/**
 * Gives the records of several bounded partitions in the order of their timestamps, as they were written, where a plain reader
 * gives what it has of each; records of other partitions pass by. Partitions that another process reads are not waited for.
 *
 * @example alignedReader(boundedReader, ends, clock)
 */
export const alignedReader = (reader: LogReader, ends: readonly OffsetPosition[], clock: Clock): LogReader =>
  new AlignedReader(reader, ends, clock)

class AlignedReader implements LogReader {
  readonly #reader: LogReader
  readonly #clock: Clock
  readonly #ends: ReadonlyMap<string, OffsetPosition>
  readonly #lanes = new Map<string, Lane>()
  #changedAt: number

  constructor(reader: LogReader, ends: readonly OffsetPosition[], clock: Clock) {
    this.#reader = reader
    this.#clock = clock
    this.#ends = new Map(ends.map(end => [placeOf(end), end]))
    this.#changedAt = clock.now()
  }

  assign(positions: readonly OffsetPosition[]): void {
    this.#lanes.clear()
    this.#reader.assign(positions)
    this.#open(positions)
  }

  add(positions: readonly OffsetPosition[]): void {
    this.#reader.add(positions)
    this.#open(positions)
  }

  remove(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#lanes.delete(placeOf(partition))
    this.#reader.remove(partitions)
  }

  pause(partitions: readonly TopicPartition[]): void {
    this.#reader.pause(partitions)
  }

  resume(partitions: readonly TopicPartition[]): void {
    this.#reader.resume(partitions)
  }

  async poll(maxRecords: number, maxWaitMs: number): Promise<ConsumedRecord[]> {
    const records = this.#merged(maxRecords)
    const room = maxRecords - records.length
    if (room === 0) return records
    const passing: ConsumedRecord[] = []
    for (const record of await this.#reader.poll(room, records.length === 0 ? maxWaitMs : 0)) {
      const lane = this.#lanes.get(placeOf(record))
      if (lane === undefined) passing.push(record)
      else lane.held.push(record)
    }
    const merged = this.#merged(room - passing.length)
    this.#bound()
    return [...records, ...passing, ...merged]
  }

  position(partition: TopicPartition): number | undefined {
    return this.#lanes.get(placeOf(partition))?.held[0]?.offset ?? this.#reader.position(partition)
  }

  endOffset(partition: TopicPartition): number | undefined {
    return this.#reader.endOffset(partition)
  }

  close(): Promise<void> {
    return this.#reader.close()
  }

  #open(positions: readonly OffsetPosition[]): void {
    for (const position of positions) {
      const end = this.#ends.get(placeOf(position))
      if (end !== undefined) this.#lanes.set(placeOf(position), { end, held: [], isPaused: false })
    }
    this.#changedAt = this.#clock.now()
  }

  get #isSettled(): boolean {
    return this.#lanes.size === this.#ends.size || this.#clock.now() - this.#changedAt >= settlingMs
  }

  /** Whether more may come of a lane of which nothing is held. */
  #isOpen({ end }: Lane): boolean {
    return (this.#reader.position(end) ?? end.offset) < end.offset
  }

  #merged(most: number): ConsumedRecord[] {
    const records: ConsumedRecord[] = []
    if (!this.#isSettled) return records
    const lanes = [...this.#lanes.values()]
    const taken = new Map<Lane, number>()
    while (records.length < most) {
      let first: { readonly lane: Lane; readonly record: ConsumedRecord } | undefined
      let mustWait = false
      for (const lane of lanes) {
        const record = lane.held[taken.get(lane) ?? 0]
        if (record === undefined) mustWait ||= this.#isOpen(lane)
        else if (first === undefined || record.timestamp < first.record.timestamp) first = { lane, record }
      }
      if (mustWait || first === undefined) break
      records.push(first.record)
      taken.set(first.lane, (taken.get(first.lane) ?? 0) + 1)
    }
    for (const [lane, count] of taken) lane.held = lane.held.slice(count)
    return records
  }

  #bound(): void {
    for (const lane of this.#lanes.values()) {
      const isFull = lane.held.length >= mostHeld
      if (isFull === lane.isPaused) continue
      lane.isPaused = isFull
      if (isFull) this.#reader.pause([lane.end])
      else this.#reader.resume([lane.end])
    }
  }
}
