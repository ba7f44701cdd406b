/** What the resolution needs of a record batch; offsets and producer ids as the log has them. */
export interface BatchHead {
  readonly attributes: number
  readonly producerId: bigint
}

const transactionalBit = 0x10
const controlBit = 0x20
const abortMarker = 0
const commitMarker = 1

export const isControl = (batch: BatchHead): boolean => (batch.attributes & controlBit) !== 0

/** Type of a control record: its key is a version and a type, two bytes each. */
export const isCommitMarker = (key: Uint8Array | null): boolean | undefined => {
  if (key === null || key.length < 4) return undefined
  const type = ((key[2] ?? 0) << 8) | (key[3] ?? 0)
  return type === commitMarker ? true : type === abortMarker ? false : undefined
}

/**
 * Decides what became of each record of one partition, from the markers alone: a transactional record waits for the
 * next marker of its producer. Feed it in offset order.
 *
 * @example
 * resolver.add(batch, records)          // waits
 * resolver.mark(producerId, true)       // now in `committed`
 */
export class TransactionResolver<T> {
  readonly committed: T[] = []
  readonly aborted: T[] = []
  private readonly waiting = new Map<bigint, T[]>()

  add(batch: BatchHead, records: readonly T[]): void {
    if ((batch.attributes & transactionalBit) === 0) {
      for (const record of records) this.committed.push(record)
      return
    }
    const open = this.waiting.get(batch.producerId)
    if (open === undefined) this.waiting.set(batch.producerId, [...records])
    else for (const record of records) open.push(record)
  }

  mark(producerId: bigint, committed: boolean): void {
    const target = committed ? this.committed : this.aborted
    for (const record of this.waiting.get(producerId) ?? []) target.push(record)
    this.waiting.delete(producerId)
  }

  /** Records whose transaction has no marker yet. */
  undecidedCount(): number {
    let count = 0
    for (const records of this.waiting.values()) count += records.length
    return count
  }
}
