import { effect, from, topology } from '../src/streams/dsl/index.ts'
import { stockUpdate } from './topics.ts'

/** Keeps Cassandra's `stock_state` (now) and `stock_update` (history) equal to the ledger, by idempotent writes. */
export const materializer = topology(
  'materializer',
  {
    'materialize-stock': from(stockUpdate).pipe(
      effect('materialize-stock', { idempotent: "rows bear the ledger's version as their write time" }),
    ),
  },
  // Each update is written under its own version, and never over a later one: a parked one can be written whenever it is mended.
  { failures: { default: 'dead-letter' } },
)
