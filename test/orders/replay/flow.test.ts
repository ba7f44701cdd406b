import { expect, test } from 'vitest'
import { compareOutcomes } from '../../../src/orders/replay/compare-flow.ts'
import { absorbLevel, absorbRecord, emptyOutcome } from '../../../src/orders/replay/flow-outcome.ts'
import type { FlowOutcome } from '../../../src/orders/replay/flow-outcome.ts'

const done = { isLiveAhead: false, isLiveUnfinished: false, isPartial: false }

const outcome = (change: (outcome: FlowOutcome) => void = () => {}): FlowOutcome => {
  const made = emptyOutcome()
  for (const orderId of ['o1', 'o2']) {
    absorbRecord(made, 'order-created', { orderId, lines: [] })
    absorbRecord(made, 'order-confirmed', { orderId, confirmedAt: 7 })
    absorbRecord(made, 'stock-movement', { eventId: `line-${orderId}`, type: 'line', quantity: 2 })
  }
  absorbLevel(made, 'tea', { version: 5, onHand: 3, reserved: 0, sold: 4, settling: 5 })
  change(made)
  return made
}

const differences = (live: FlowOutcome, replayed: FlowOutcome, coverage = done): string[] =>
  compareOutcomes(live, replayed, coverage).flatMap(part =>
    part.differences.map(({ where, key, message }) => `${where}: ${key} ${message}`),
  )

test('equal outcomes are equal, whatever the versions and the order of events', () => {
  const other = outcome(made => {
    absorbLevel(made, 'tea', { version: 9, onHand: 3, reserved: 0, sold: 4, settling: 1 })
  })
  expect(differences(outcome(), other)).toEqual([])
})

test('orders that end otherwise, SKUs with other numbers and other sets of events are named', () => {
  const other = outcome(made => {
    absorbRecord(made, 'order-rejected', {
      orderId: 'o2',
      reasons: [{ code: 'oversold', message: '', sku: 'tea' }],
    })
    absorbLevel(made, 'tea', { version: 5, onHand: 5, reserved: 0, sold: 2, settling: 5 })
    absorbRecord(made, 'stock-movement', { eventId: 'release-o2', type: 'release', quantity: 2 })
  })
  expect(differences(outcome(), other)).toEqual([
    'orders: o2 is confirmed live, is rejected (oversold tea) replayed',
    'stock per SKU: tea on hand 3, reserved 0, sold 4 live; on hand 5, reserved 0, sold 2 replayed',
    'sets of events: stock-movement release 0 events, 0 units live; 1 events, 2 units replayed',
  ])
})

test('other events in equal numbers are not the same set', () => {
  const swapped = emptyOutcome()
  absorbRecord(swapped, 'stock-update', { eventId: 'a', type: 'sale', quantity: 1 })
  const live = emptyOutcome()
  absorbRecord(live, 'stock-update', { eventId: 'b', type: 'sale', quantity: 1 })
  expect(differences(live, swapped)).toEqual([
    'sets of events: stock-update sale 1 events, 1 units live; 1 events, 1 units replayed, not the same ones',
  ])
})

test('what live has read since is undecided, what it has lost is not', () => {
  const more = outcome(made => {
    absorbRecord(made, 'order-created', { orderId: 'o3' })
    absorbRecord(made, 'stock-movement', { eventId: 'line-o3', type: 'line', quantity: 2 })
  })
  expect(differences(more, outcome(), { ...done, isLiveAhead: true })).toEqual([])
  expect(differences(outcome(), more, { ...done, isLiveAhead: true })).toEqual([
    'orders: o3 is only in the replay',
  ])
})
