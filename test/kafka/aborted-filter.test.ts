import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { committedBatches } from '../../src/kafka/aborted-filter.ts'
import type { AbortedTransaction } from '../../src/kafka/aborted-filter.ts'
import type { RecordBatch } from '../../src/kafka/record-batch.ts'

// A log is written by a model of the broker: interleaved producers, each transaction ending in a marker. What the
// filter lets through of any window must be exactly the batches whose transaction the model has committed.
const headBytes = 61

/** The bytes after a batch's head as far as a marker's type is read from them. */
const markerBytes = (isAbort: boolean): Buffer => {
  const buffer = Buffer.alloc(headBytes + 16)
  // length 8, attributes 0, deltas 0 and 0, key length 4, key: version 0 and type
  buffer.set([16, 0, 0, 0, 8, 0, 0, 0, isAbort ? 0 : 1], headBytes)
  return buffer
}

interface Written {
  readonly batch: RecordBatch
  /** Which transaction of the model it is in; undefined for a plain batch. */
  readonly transaction: number | undefined
}

interface Model {
  readonly log: Written[]
  readonly aborted: (AbortedTransaction & { readonly lastOffset: number })[]
  readonly abortedTransactions: Set<number>
}

type Step = {
  readonly producer: number
  readonly action: 'write' | 'plain' | 'commit' | 'abort'
  readonly size: number
}

const write = (steps: readonly Step[]): Model => {
  const model: Model = { log: [], aborted: [], abortedTransactions: new Set() }
  const open = new Map<number, { id: number; firstOffset: number }>()
  let offset = 0
  let ids = 0
  const append = (
    producer: number,
    count: number,
    isControl: boolean,
    isTransactional: boolean,
    isAbort: boolean,
  ) => {
    const batch: RecordBatch = {
      buffer: markerBytes(isAbort),
      start: 0,
      end: headBytes + 16,
      baseOffset: offset,
      lastOffset: offset + count - 1,
      producerId: BigInt(producer),
      isTransactional,
      isControl,
    }
    model.log.push({ batch, transaction: isTransactional ? open.get(producer)?.id : undefined })
    offset += count
  }
  const end = (producer: number, isAbort: boolean) => {
    const transaction = open.get(producer)
    if (transaction === undefined) return
    append(producer, 1, true, true, isAbort)
    open.delete(producer)
    if (!isAbort) return
    const { id, firstOffset } = transaction
    model.abortedTransactions.add(id)
    model.aborted.push({ producerId: BigInt(producer), firstOffset, lastOffset: offset - 1 })
  }
  for (const { producer, action, size } of steps) {
    if (action === 'commit' || action === 'abort') end(producer, action === 'abort')
    else if (action === 'plain') append(100 + producer, size, false, false, false)
    else {
      if (!open.has(producer)) open.set(producer, { id: ids++, firstOffset: offset })
      append(producer, size, false, true, false)
    }
  }
  for (const producer of open.keys()) end(producer, producer % 2 === 0)
  return model
}

const step = fc.record<Step>({
  producer: fc.nat(2),
  action: fc.constantFrom('write', 'write', 'plain', 'commit', 'abort'),
  size: fc.integer({ min: 1, max: 5 }),
})

describe('committedBatches', () => {
  it('lets through exactly the committed and plain batches of any window of any log', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.nat(), fc.nat(), (steps, first, second) => {
        const { log, aborted, abortedTransactions } = write(steps)
        const start = log.length === 0 ? 0 : first % log.length
        const window = log.slice(start, start + 1 + (second % 60))
        const from = window[0]?.batch.baseOffset ?? 0
        const to = window.at(-1)?.batch.lastOffset ?? -1
        // As the broker does: every aborted transaction that overlaps what it returns, begun before it or not.
        const listed = aborted.filter(
          ({ firstOffset, lastOffset }) => firstOffset <= to && lastOffset >= from,
        )
        const visible = committedBatches(
          window.map(({ batch }) => batch),
          listed,
        )
        const expected = window.filter(
          ({ batch, transaction }) =>
            !batch.isControl && (transaction === undefined || !abortedTransactions.has(transaction)),
        )
        expect(visible).toEqual(expected.map(({ batch }) => batch))
      }),
      { numRuns: 500 },
    )
  })

  it('hides both of two aborted transactions of one producer in one fetch', () => {
    const steps = (['write', 'abort', 'write', 'abort', 'write', 'commit'] as const).map((action): Step => ({
      producer: 1,
      action,
      size: 1,
    }))
    const { log, aborted } = write(steps)
    const visible = committedBatches(
      log.map(({ batch }) => batch),
      aborted,
    )
    expect(visible.map(({ baseOffset }) => baseOffset)).toEqual([4])
  })
})
