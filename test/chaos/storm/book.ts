import { map } from 'rxjs'
import { schemas } from '../../../schemas/index.ts'
import type { StockUpdate } from '../../../schemas/types.ts'
import { utf8 } from '../../../src/codec/serde.ts'
import {
  avroFormat,
  effect,
  from,
  process,
  repartition,
  store,
  to,
  topic,
  topology,
  withKey,
} from '../../../src/streams/dsl/index.ts'

/** What clients do in a storm: the n-th move of a client, to one SKU. */
export interface Move {
  readonly eventId: string
  readonly client: string
  readonly sku: string
  /** Of its client, from 1. */
  readonly number: number
}

/** What the book knows of a SKU. */
export interface Level {
  readonly count: number
  /** Of the numbers of its moves. */
  readonly sum: number
}

const string = { type: 'string' } as const
const moveSchema = {
  type: 'record',
  name: 'Move',
  fields: [
    ...['eventId', 'client', 'sku'].map(name => ({ name, type: string })),
    { name: 'number', type: 'long' },
  ],
}
const levelSchema = {
  type: 'record',
  name: 'Level',
  fields: ['count', 'sum'].map(name => ({ name, type: 'long' })),
}

/** The value formats, for whoever writes moves or reads levels. */
export const bookSchemas = { move: moveSchema, level: levelSchema }

export const bookPartitions = 4

/** Counts the moves of each SKU; the update says which move it was, as the SKU's how-manieth. */
const enter = (move: Move, level: Level, at: number): StockUpdate => ({
  eventId: move.eventId,
  sku: move.sku,
  version: level.count,
  settlesAfter: level.count - 1,
  type: 'adjustment',
  orderId: null,
  quantity: 1,
  onHand: level.count,
  reserved: move.number,
  sold: level.sum,
  mode: 'lwt',
  generation: null,
  reason: move.client,
  at,
})

/**
 * A topology with everything that a rebalance can hurt: a repartition, a store, outputs, and an effect in Cassandra. Its names are
 * its own, by the suffix.
 */
export const createBook = (suffix: string) => {
  const move = avroFormat<Move>(moveSchema)
  const moves = topic(`moves-${suffix}`, { key: utf8, value: move, partitions: bookPartitions })
  const updates = topic(`updates-${suffix}`, {
    key: utf8,
    value: avroFormat<StockUpdate>(schemas['stock-update']),
    partitions: bookPartitions,
  })
  const levels = store('levels', { key: utf8, value: avroFormat<Level>(levelSchema) })
  const flow = topology(`book-${suffix}`, {
    entered: from(moves).pipe(
      map(message => withKey(message, message.value.sku)),
      repartition('by-sku', { key: utf8, value: move }),
      process('enter', { levels }, ({ key, value, timestamp }, { levels: store }) => {
        const before = store.get(key) ?? { count: 0, sum: 0 }
        const level = { count: before.count + 1, sum: before.sum + value.number }
        store.put(key, level)
        return [enter(value, level, timestamp)]
      }),
      to(updates),
    ),
    materialized: from(updates).pipe(
      effect('materialize-stock', { idempotent: "rows bear the book's version as their write time" }),
    ),
  })
  return { flow, moves, updates, levels: `${flow.name}-levels-changelog` }
}

export type Book = ReturnType<typeof createBook>
