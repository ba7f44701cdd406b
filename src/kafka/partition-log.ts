import type { SluiceError } from '../core/errors.ts'
import { committedBatches } from './aborted-filter.ts'
import { readMarkedRecords, readRecordBatches, readRecords } from './record-batch.ts'
import type { RecordBatch } from './record-batch.ts'
import type { FetchedPartition } from './requests.ts'
import type { ConsumedRecord } from './types.ts'

/** What one reader holds of one partition: where it fetches next, what is buffered, what it has handed out. */
export class PartitionLog {
  readonly topic: string
  readonly partition: number
  fetchOffset: number
  endOffset: number | undefined
  isPaused = false
  error: SluiceError | undefined
  /** Since when nothing could be fetched; undefined while it can. */
  failingSinceMs: number | undefined
  bufferedBytes = 0
  readonly #withTransactions: boolean
  #position: number
  #batches: RecordBatch[] = []
  #records: ConsumedRecord[] = []
  #next = 0

  constructor(topic: string, partition: number, offset: number, withTransactions = false) {
    this.topic = topic
    this.partition = partition
    this.fetchOffset = offset
    this.#position = offset
    this.#withTransactions = withTransactions
  }

  /** The next offset to hand out; beyond everything invisible once nothing visible is buffered. */
  get position(): number {
    return this.hasRecords ? this.#position : Math.max(this.#position, this.fetchOffset)
  }

  get hasRecords(): boolean {
    return this.#next < this.#records.length || this.#batches.length > 0
  }

  /** Takes over a fetched answer to the request for `fetchOffset`. */
  accept(fetched: FetchedPartition, isCommittedOnly: boolean): void {
    this.endOffset = isCommittedOnly ? fetched.lastStableOffset : fetched.highWatermark
    const batches = readRecordBatches(fetched.records)
    const last = batches.at(-1)
    if (last === undefined) return
    const visible = isCommittedOnly
      ? committedBatches(batches, fetched.aborted)
      : batches.filter(({ isControl }) => this.#withTransactions || !isControl)
    for (const batch of visible) {
      // The broker answers from the start of the batch that holds the offset asked for.
      if (batch.lastOffset < this.fetchOffset) continue
      this.#batches.push(batch)
      this.bufferedBytes += batch.end - batch.start
    }
    this.fetchOffset = Math.max(this.fetchOffset, last.lastOffset + 1)
  }

  /** Gives up what is buffered; only a new assignment, from `position`, reads this partition again. */
  fail(error: SluiceError): void {
    this.fetchOffset = this.#position
    this.#batches = []
    this.#records = []
    this.#next = 0
    this.bufferedBytes = 0
    this.error = error
  }

  /** Moves up to `count` buffered records to the end of `into`. */
  take(into: ConsumedRecord[], count: number): void {
    let wanted = count
    while (wanted > 0) {
      if (this.#next >= this.#records.length && !this.#decodeNext()) return
      const end = Math.min(this.#next + wanted, this.#records.length)
      wanted -= end - this.#next
      for (; this.#next < end; this.#next++) {
        const record = this.#records[this.#next]
        if (record === undefined) continue
        into.push(record)
        this.#position = record.offset + 1
      }
    }
  }

  #decodeNext(): boolean {
    const batch = this.#batches[0]
    if (batch === undefined) return false
    const read = this.#withTransactions ? readMarkedRecords : readRecords
    this.#records = read(batch, this.topic, this.partition, this.#position)
    this.#next = 0
    this.#batches.shift()
    this.bufferedBytes -= batch.end - batch.start
    return true
  }
}
