import { SluiceError } from '../../../src/core/errors.ts'
import type { EntryRepository } from '../../../src/orders/entry-repository.ts'
import type { StockSnapshot } from '../../../src/orders/reservation/partition.ts'
import type { StockStore } from '../../../src/orders/reservation/store.ts'
import type { ReservationIntents, ReservedLine } from '../../../src/orders/reservation/types.ts'
import type { Operation, Reply } from './tables.ts'

/** Sends a request; undefined when no answer came, so that nobody knows whether it was executed. */
export type Ask = (operation: Operation) => Promise<Reply | undefined>

export interface PlainOrder {
  readonly id: string
  readonly lines: readonly ReservedLine[]
}

/** What the protocol's code is given in place of clients of Cassandra and Postgres. */
export interface Ports {
  readonly store: StockStore
  readonly orders: EntryRepository<PlainOrder>
  readonly intents: ReservationIntents
}

const unanswered = (server: 'CASSANDRA' | 'POSTGRES'): SluiceError =>
  new SluiceError({
    code: server === 'CASSANDRA' ? 'SLUICE_CASSANDRA_UNAVAILABLE' : 'SLUICE_POSTGRES_UNAVAILABLE',
    message: 'no answer came',
    reaction: 'retry',
    details: { outcome: 'unknown' },
  })

const snapshotOf = (reply: Reply | undefined): StockSnapshot => {
  const found = reply !== undefined && 'found' in reply ? reply.found : undefined
  return {
    partition: found?.partition,
    rows: new Map((found?.rows ?? []).map(row => [row.entry, row])),
    openedAt: undefined,
  }
}

const outcomeOf = (reply: Reply | undefined): 'applied' | 'refused' | 'unknown' =>
  reply === undefined ? 'unknown' : 'outcome' in reply ? reply.outcome : 'refused'

const never = (what: string) => () => {
  throw new Error(`${what} is no part of what is explored`)
}

export const portsOver = (ask: Ask): Ports => {
  const must = async (operation: Operation): Promise<Reply> => {
    const reply = await ask(operation)
    if (reply === undefined) throw unanswered(operation.table === 'orders' ? 'POSTGRES' : 'CASSANDRA')
    return reply
  }
  const store: StockStore = {
    read: async (sku, generation, entries) =>
      snapshotOf(await must({ table: 'stock', does: 'read', sku, generation, entries })),
    change: async (from, to, rows) => {
      const reply = await ask({ table: 'stock', does: 'change', sku: from.sku, from, to, rows })
      const outcome = outcomeOf(reply)
      return outcome === 'refused' ? { outcome, snapshot: snapshotOf(reply) } : { outcome }
    },
    open: async partition =>
      outcomeOf(await ask({ table: 'stock', does: 'open', sku: partition.sku, partition })),
    endRows: async (sku, generation, rows) =>
      outcomeOf(await ask({ table: 'stock', does: 'end-rows', sku, generation, rows })),
    hint: async sku => {
      const reply = await must({ table: 'stock', does: 'hint', sku })
      return 'hint' in reply ? reply.hint : 0
    },
    setHint: async (sku, generation) => {
      await must({ table: 'stock', does: 'set-hint', sku, generation })
    },
    rows: never('a walk over rows'),
    remove: never('the deletion of a generation'),
  }
  const orders: Ports['orders'] = {
    find: never('a lookup'),
    commit: async ({ id, lines }) => {
      const reply = await must({ table: 'orders', does: 'commit', id, lines })
      return 'done' in reply && reply.done
    },
    abandonUnlessAccepted: async id => {
      const reply = await must({ table: 'orders', does: 'abandon', id })
      return 'fate' in reply ? reply.fate : 'abandoned'
    },
  }
  const intents: ReservationIntents = {
    record: async id => {
      await must({ table: 'intents', does: 'record', id })
    },
    remove: async id => {
      await must({ table: 'intents', does: 'remove', id })
    },
    pending: never('a walk over intents'),
  }
  return { store, orders, intents }
}
