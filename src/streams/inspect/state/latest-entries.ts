import type { ConsumedRecord } from '../../../kafka/types.ts'
import { streamTimeOf } from '../../engine/changelog.ts'

/** Which keys are asked for, in the order of their bytes. */
export interface KeyRange {
  readonly prefix?: Buffer | undefined
  /** Inclusive. */
  readonly from?: Buffer | undefined
  /** Exclusive. */
  readonly to?: Buffer | undefined
}

/** The last write of a key, as its changelog has it; a deletion has no value. */
export interface RawEntry {
  readonly partition: number
  readonly offset: number
  /** Event time, milliseconds since the epoch. */
  readonly timestamp: number
  readonly key: Buffer
  readonly value: Buffer | null
}

/** Whether a key lies in a range. */
export const isInRange = (key: Buffer, { prefix, from, to }: KeyRange): boolean =>
  (prefix === undefined || key.subarray(0, prefix.length).equals(prefix)) &&
  (from === undefined || Buffer.compare(key, from) >= 0) &&
  (to === undefined || Buffer.compare(key, to) < 0)

/**
 * The state that changelog records lead to: of each key asked for the last write, deletions taken out. What is kept is copied,
 * so that a key of some bytes does not hold the megabyte with which it was fetched.
 */
export class LatestEntries {
  readonly #isWanted: (key: Buffer) => boolean
  readonly #entries = new Map<string, RawEntry>()
  readonly #streamTimes = new Map<number, number>()
  #deletion: RawEntry | undefined

  constructor(isWanted: (key: Buffer) => boolean) {
    this.#isWanted = isWanted
  }

  add(record: ConsumedRecord): void {
    const { partition, offset, timestamp, key, value } = record
    const streamTime = Math.max(this.#streamTimes.get(partition) ?? -Infinity, streamTimeOf(record))
    this.#streamTimes.set(partition, streamTime)
    if (key === null || !this.#isWanted(key)) return
    // Tasks do not share state: the same key in another partition is another entry.
    const id = `${partition}:${key.toString('latin1')}`
    const entry = {
      partition,
      offset,
      timestamp,
      key: Buffer.from(key),
      value: value === null ? null : Buffer.from(value),
    }
    if (value === null) {
      this.#entries.delete(id)
      this.#deletion = entry
    } else this.#entries.set(id, entry)
  }

  /** Live entries in the order of their keys' bytes. */
  sorted(): RawEntry[] {
    return [...this.#entries.values()].sort(
      (left, right) => Buffer.compare(left.key, right.key) || left.partition - right.partition,
    )
  }

  /** The last deletion of a key asked for; what was written since then is in `sorted`. */
  get deletion(): RawEntry | undefined {
    return this.#deletion
  }

  /** The largest event time that the store's part has seen; undefined where nothing was written. */
  streamTime(partition: number): number | undefined {
    return this.#streamTimes.get(partition)
  }
}
