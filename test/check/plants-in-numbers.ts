import { checkConservation } from '../../src/check/invariants/i1-conservation.ts'
import { checkHistory } from '../../src/check/invariants/i4-history.ts'
import { checkNoOversell } from '../../src/check/invariants/i2-no-oversell.ts'
import { checkOneEnd } from '../../src/check/invariants/i3-one-end.ts'
import { removeWhere, stockOf, the, type Plant } from './plant.ts'
import { namesOf } from './world.ts'

const names = namesOf(0)
const { lamp, mug, sold, refused } = names

/** What I1 to I4 find: sums, ends and histories that are not right. */
export const plantsInNumbers: readonly Plant[] = [
  {
    title: 'I1 a unit vanished from available',
    check: checkConservation,
    plant: world => (stockOf(world, lamp).available -= 1),
    subject: { sku: lamp },
    message: /Cassandra .*does not sum up/,
  },
  {
    title: 'I1 an adjustment is missing in Postgres',
    check: checkConservation,
    plant: world => world.adjustments.delete(names.initialLamp),
    subject: { sku: lamp },
    message: /differ/,
  },
  {
    title: 'I1 a reservation Postgres does not know is no unit of anybody',
    check: checkConservation,
    plant: world => {
      stockOf(world, mug).rows.push({ entry: sold, kind: 'reservation', quantity: 2, state: 'held', atMs: 0 })
      stockOf(world, mug).available -= 2
    },
    subject: { sku: mug },
    message: /reserved 2/,
  },
  {
    title: 'I2 more reserved than on hand in one version',
    check: checkNoOversell,
    plant: world => (the(world.log.committed.updates[1]).reserved = 11),
    subject: { sku: lamp, orderId: sold, eventId: names.lineLamp },
    message: /version 2 has on hand 10, reserved 11/,
  },
  {
    title: 'I2 a refusal in an exact mode',
    check: checkNoOversell,
    plant: world => (the(world.log.committed.updates[1]).type = 'refusal'),
    subject: { sku: lamp, orderId: sold },
    message: /refused 3/,
  },
  {
    title: 'I2 available below zero',
    check: checkNoOversell,
    plant: world => (stockOf(world, lamp).available = -1),
    subject: { sku: lamp },
    message: /available -1/,
  },
  {
    title: 'I2 accepted orders take more than there was',
    check: checkNoOversell,
    plant: world => (the(world.adjustments.get(names.initialLamp)).quantity = 2),
    subject: { sku: lamp },
    message: /take 3 of 2/,
  },
  {
    title: 'I3 an order with both ends',
    check: checkOneEnd,
    plant: world => world.log.committed.rejected.push({ ...the(world.log.committed.confirmed[0]) }),
    subject: { orderId: sold },
    message: /1 order-confirmed and 1 order-rejected/,
  },
  {
    title: 'I3 an order confirmed twice',
    check: checkOneEnd,
    plant: world =>
      world.log.committed.confirmed.push({ ...the(world.log.committed.confirmed[0]), offset: 999 }),
    subject: { orderId: sold },
    message: /2 order-confirmed/,
  },
  {
    title: 'I3 an order with no end',
    check: checkOneEnd,
    plant: world => {
      world.log.committed.confirmed.length = 0
      the(world.orders.get(sold)).status = 'created'
    },
    subject: { orderId: sold },
    message: /still open/,
  },
  {
    title: 'I3 a status that disagrees with the log',
    check: checkOneEnd,
    plant: world => (the(world.orders.get(refused)).status = 'confirmed'),
    subject: { orderId: refused },
    message: /status is confirmed/,
  },
  {
    title: 'I3 a confirmed order that was not sold whole',
    check: checkOneEnd,
    plant: world => removeWhere(world.log.committed.updates, update => update.eventId === names.saleMug),
    subject: { orderId: sold },
    message: /sold 3 units of it instead of 4/,
  },
  {
    title: 'I4 a version is missing in the history',
    check: checkHistory,
    plant: world => the(world.stockUpdates.get(lamp)).splice(1, 1),
    subject: { sku: lamp },
    message: /version 3 where 2 is due/,
  },
  {
    title: 'I4 a changed row of the history',
    check: checkHistory,
    plant: world => (the(world.stockUpdates.get(mug)?.[1]).quantity = 2),
    subject: { sku: mug, eventId: names.lineMug },
    message: /history/,
  },
  {
    title: 'I4 a state that is not the end of the history',
    check: checkHistory,
    plant: world => (the(world.stockStates.get(mug)).onHand = 9),
    subject: { sku: mug },
    message: /stock_state has on hand 9/,
  },
  {
    title: 'I4 a state without a history',
    check: checkHistory,
    plant: world => world.stockStates.set('GHOST', { onHand: 1, reserved: 0, sold: 0, version: 1 }),
    subject: { sku: 'GHOST' },
    message: /no history/,
  },
]
