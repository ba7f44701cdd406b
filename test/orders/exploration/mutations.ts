import type { Ports } from './ports.ts'
import type { Mutation } from './scenario.ts'
import { server } from './tables.ts'
import type { Server } from './tables.ts'

const stock = (change: (execute: Server['stock']) => Server['stock']): Pick<Mutation, 'server'> => ({
  server: { stock: change((table, operation) => server.stock(table, operation)) },
})

/** Each takes one precaution out of the protocol. */
export const mutations = {
  'a conditional write is not bound to the version': stock(execute => (table, operation) => {
    const now =
      operation.does === 'change' ? table.generations[operation.from.generation]?.partition : undefined
    return operation.does === 'change' && now !== undefined && !now.closed
      ? execute(table, { ...operation, from: now })
      : execute(table, operation)
  }),
  'a generation is opened without the carry': stock(
    execute => (table, operation) =>
      operation.does === 'open'
        ? execute(table, {
            ...operation,
            partition: { ...operation.partition, available: operation.partition.adjusted },
          })
        : execute(table, operation),
  ),
  'rows of closed generations are not looked at': stock(execute => (table, operation) => {
    const { table: next, reply } = execute(table, operation)
    const isClosed = 'found' in reply && reply.found?.partition?.closed === true
    return {
      table: next,
      reply: isClosed && 'found' in reply ? { found: { ...reply.found, rows: [] } } : reply,
    }
  }),
  'a row that is absent is taken for one that never comes': {
    adapt: ports => ({
      ...ports,
      store: {
        ...ports.store,
        change: async (from, to, rows) => {
          const isTombstone = rows.some(row => row.change === 'insert' && row.row.quantity === 0)
          return isTombstone ? { outcome: 'applied' } : ports.store.change(from, to, rows)
        },
      },
    }),
  },
  'stock is given back without abandoning the order first': {
    server: {
      orders: (table, operation) => {
        const result = server.orders(table, operation)
        return operation.does === 'abandon' ? { table, reply: result.reply } : result
      },
    },
  },
  'a commit replaces an abandoned order': {
    server: {
      orders: (table, operation) =>
        operation.does === 'commit' && table[operation.id]?.status === 'abandoned'
          ? server.orders({}, operation)
          : server.orders(table, operation),
    },
  },
  'an intent is recorded after the reservation': {
    adapt: ports => {
      let isRecorded = false
      const commit: Ports['orders']['commit'] = async (order, key) => {
        if (!isRecorded) await ports.intents.record(order.id, [], 0)
        isRecorded = true
        return ports.orders.commit(order, key)
      }
      return {
        ...ports,
        intents: { ...ports.intents, record: async () => {} },
        orders: { ...ports.orders, commit },
      }
    },
  },
  'an intent is removed before the stock is given back': {
    adapt: ports => ({
      ...ports,
      orders: {
        ...ports.orders,
        abandonUnlessAccepted: async id => {
          const fate = await ports.orders.abandonUnlessAccepted(id)
          await ports.intents.remove(id, 0)
          return fate
        },
      },
    }),
  },
  'the reaper does not wait until an intent is old': { isGraceless: true },
} as const satisfies Readonly<Record<string, Mutation>>
