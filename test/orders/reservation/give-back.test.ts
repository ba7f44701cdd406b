import { expect, test } from 'vitest'
import { silentLogger } from '../../../src/core/log.ts'
import type { StockPartition } from '../../../src/orders/reservation/partition.ts'
import { carryOf, giveBackEntry } from '../../../src/orders/reservation/partition.ts'
import { createReservationsOver } from '../../../src/orders/reservation/reservations.ts'
import { modelStore, virtualClock } from '../support/model-store.ts'

test('a give-back that died before it marked the old row is completed generations later, not repeated', async () => {
  const clock = virtualClock()
  const store = modelStore(
    clock,
    () => 'answered',
    () => false,
  )
  const first: StockPartition = {
    sku: 'A',
    generation: 0,
    available: 10,
    version: 1,
    mode: 'lwt',
    settledVersion: 1,
    adjusted: 10,
    sold: 0,
    entries: 0,
    closed: false,
  }
  const closed = (open: StockPartition): StockPartition => ({
    ...open,
    closed: true,
    version: open.version + 1,
  })
  const held = { entry: 'order', kind: 'reservation', quantity: 4, state: 'held', settledBy: null } as const
  const back = { ...held, entry: giveBackEntry('order'), kind: 'give-back', state: 'released' } as const

  await store.open(first)
  const taken = closed({ ...first, available: 6 })
  await store.change(first, taken, [{ change: 'insert', row: held }])
  const second = carryOf(taken)
  await store.open(second)
  const returned = closed({ ...second, available: 10 })
  await store.change(second, returned, [{ change: 'insert', row: back }])
  await store.open(carryOf(returned))

  const reservations = createReservationsOver(store, { clock, log: silentLogger })
  await reservations.release('order', ['A'])
  await reservations.release('order', ['A'])
  expect(await reservations.available('A')).toMatchObject({ available: 10, generation: 2 })
  expect(store.generations.get('A/0')?.rows.get('order')?.state).toBe('released')
})
