import { SluiceError } from '../../core/errors.ts'
import type { EntryResult } from '../accept-entry.ts'
import type { EntryKind } from '../entry-id.ts'
import type { OrderMetrics } from '../metrics.ts'
import { problem } from './problem.ts'
import type { ProblemError } from './problem.ts'

const refusalOf = (result: Exclude<EntryResult<unknown>, { kind: 'accepted' }>): ProblemError => {
  if (result.kind === 'out-of-stock') {
    const { outOfStock } = result
    return problem('OutOfStock', `too little stock of ${outOfStock.map(short => short.sku).join(', ')}`, {
      outOfStock,
    })
  }
  return result.kind === 'key-of-other-request'
    ? problem('KeyReused', 'this Idempotency-Key was used for another request; take a new key')
    : problem('KeyInProgress', 'a request with this Idempotency-Key is being worked on; ask again')
}

/** An accepted entry, and the headers of its answer. */
export interface EntryAnswer<Entry> {
  readonly entry: Entry
  /** `idempotency-replayed: true` where an earlier request with the same key had made it. */
  readonly headers: Readonly<Record<string, string>>
}

/** Runs a request for an entry and counts how it ended; every end but acceptance is thrown as a problem. */
export const entryOf = async <Entry>(
  kind: EntryKind,
  metrics: OrderMetrics,
  work: () => Promise<EntryResult<Entry>>,
): Promise<EntryAnswer<Entry>> => {
  let result: EntryResult<Entry>
  try {
    result = await work()
  } catch (error) {
    const passing = error instanceof SluiceError && error.reaction === 'retry'
    metrics.outcome(kind, passing ? 'unavailable' : 'failed')
    throw error
  }
  if (result.kind === 'accepted') {
    metrics.outcome(kind, result.replayed ? 'replayed' : 'accepted')
    return { entry: result.entry, headers: result.replayed ? { 'idempotency-replayed': 'true' } : {} }
  }
  metrics.outcome(kind, result.kind)
  throw refusalOf(result)
}
