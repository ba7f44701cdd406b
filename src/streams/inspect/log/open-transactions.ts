import type { ConsumedRecord, TopicPartition } from '../../../kafka/types.ts'

/** What one marker ended in one partition. */
export interface EndedTransaction extends TopicPartition {
  readonly producerId: bigint
  readonly outcome: 'committed' | 'aborted'
  /** The broker's time of the marker, milliseconds since the epoch. */
  readonly at: number
  /** Of the records that were noted. */
  readonly offsets: readonly number[]
}

/**
 * Follows the transactions in a log read with markers: what a producer wrote into a partition is open until its marker comes there.
 * Offsets are kept while they are open only.
 */
export class OpenTransactions {
  readonly #offsets = new Map<string, number[]>()

  /** Notes a record; for a marker, what it ended. */
  note({ topic, partition, offset, timestamp, transaction }: ConsumedRecord): EndedTransaction | undefined {
    if (transaction === undefined) return undefined
    const { producerId, marker } = transaction
    const key = `${topic}-${partition}-${producerId}`
    const offsets = this.#offsets.get(key) ?? []
    if (marker === undefined) {
      offsets.push(offset)
      this.#offsets.set(key, offsets)
      return undefined
    }
    this.#offsets.delete(key)
    const outcome = marker === 'commit' ? 'committed' : 'aborted'
    return { topic, partition, producerId, outcome, at: timestamp, offsets }
  }
}
