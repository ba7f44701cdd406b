import { isAbortMarker } from './record-batch.ts'
import type { RecordBatch } from './record-batch.ts'

/** As the broker lists them with a fetch: who aborted, and the first offset of that transaction in this partition. */
export interface AbortedTransaction {
  readonly producerId: bigint
  readonly firstOffset: number
}

/**
 * The batches of one fetched partition that a read-committed reader may see: no control batches, nothing aborted.
 * A producer's aborted transaction begins at `firstOffset` and lasts to its next abort marker; the same producer may
 * abort several times in one fetch, and one aborted transaction may span several fetches, so ranges are opened and
 * closed while walking, never looked up by producer alone.
 */
export const committedBatches = (
  batches: readonly RecordBatch[],
  aborted: readonly AbortedTransaction[],
): RecordBatch[] => {
  const ranges = aborted.toSorted((left, right) => left.firstOffset - right.firstOffset)
  const aborting = new Set<bigint>()
  const visible: RecordBatch[] = []
  let next = 0
  for (const batch of batches) {
    for (
      let range = ranges[next];
      range !== undefined && range.firstOffset <= batch.lastOffset;
      range = ranges[++next]
    ) {
      aborting.add(range.producerId)
    }
    if (batch.isControl) {
      if (isAbortMarker(batch)) aborting.delete(batch.producerId)
    } else if (!(batch.isTransactional && aborting.has(batch.producerId))) {
      visible.push(batch)
    }
  }
  return visible
}
