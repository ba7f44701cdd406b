import { effect, from, topology } from '../src/streams/dsl/index.ts'
import { stockUpdate } from './topics.ts'

/** Keeps Cassandra's `stock_state` (now) and `stock_update` (history) equal to the ledger, by idempotent writes. */
export const materializer = topology('materializer', {
  'materialize-stock': from(stockUpdate).pipe(effect('materialize-stock')),
})
