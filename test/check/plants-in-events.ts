import { checkAbortedInvisible } from '../../src/check/invariants/i9-aborted.ts'
import { checkNoGhosts } from '../../src/check/invariants/i7-no-ghosts.ts'
import { checkOrderPerKey } from '../../src/check/invariants/i5-order.ts'
import { checkOutbox } from '../../src/check/invariants/i6-outbox.ts'
import { removeWhere, stockOf, the, type Plant } from './plant.ts'
import { namesOf } from './world.ts'

const names = namesOf(0)
const { lamp, mug, sold, refused } = names
const orphan = names.stranger

/** What I5 to I7, and I9, find: events out of place, lost, repeated, of nobody, or aborted. */
export const plantsInEvents: readonly Plant[] = [
  {
    title: 'I5 a record in the wrong partition',
    check: checkOrderPerKey,
    plant: world => (the(world.log.committed.validated[0]).partition ^= 1),
    subject: { orderId: sold },
    message: /belongs in partition/,
  },
  {
    title: 'I5 a stock record under a wrong key',
    check: checkOrderPerKey,
    plant: world => (the(world.log.committed.movements[0]).key = mug),
    subject: { sku: lamp, eventId: names.initialLamp },
    message: /the key is MUG_0/,
  },
  {
    title: 'I5 an end before its order was validated',
    check: checkOrderPerKey,
    plant: world => (the(world.log.committed.confirmed[0]).timestampMs = 10),
    subject: { orderId: sold },
    message: /older than its order-validated/,
  },
  {
    title: 'I5 a confirmation without validation',
    check: checkOrderPerKey,
    plant: world => (world.log.committed.validated.length = 0),
    subject: { orderId: sold },
    message: /without order-validated/,
  },
  {
    title: 'I5 versions that go back',
    check: checkOrderPerKey,
    plant: world => (world.log.committed.updates = world.log.committed.updates.toReversed()),
    subject: { sku: mug },
    message: /version 2 comes after version 3/,
  },
  {
    title: 'I5 a sale before its line',
    check: checkOrderPerKey,
    plant: world => (world.log.committed.movements = world.log.committed.movements.toReversed()),
    subject: { sku: mug, orderId: sold },
    message: /no line of its order before it/,
  },
  {
    title: 'I6 an outbox row that never reached the topic',
    check: checkOutbox,
    plant: world => removeWhere(world.log.committed.outbox, record => record.subjectId === sold),
    subject: { orderId: sold, eventId: names.outboxSold },
    message: /on the topic 0 times/,
  },
  {
    title: 'I6 an outbox row twice on the topic',
    check: checkOutbox,
    plant: world => world.log.committed.outbox.push({ ...the(world.log.committed.outbox[0]), offset: 999 }),
    subject: { sku: lamp, eventId: names.outboxLamp },
    message: /on the topic 2 times/,
  },
  {
    title: 'I6 a second row of one order on the topic, by whomever',
    check: checkOutbox,
    plant: world =>
      world.log.committed.outbox.push({
        ...the(world.log.committed.outbox.find(record => record.subjectId === sold)),
        eventId: names.stranger,
        byRelay: false,
        offset: 999,
      }),
    subject: { orderId: sold },
    message: /2 times \(2 rows, 1 times by the relay\)/,
  },
  {
    title: 'I6 an order validated twice',
    check: checkOutbox,
    plant: world =>
      world.log.committed.validated.push({ ...the(world.log.committed.validated[0]), offset: 999 }),
    subject: { orderId: sold },
    message: /2 order-validated/,
  },
  {
    title: 'I6 an adjustment applied twice',
    check: checkOutbox,
    plant: world => world.log.committed.updates.push({ ...the(world.log.committed.updates[0]), version: 5 }),
    subject: { sku: lamp, eventId: names.initialLamp },
    message: /2 stock-update instead of one/,
  },
  {
    title: 'I6 a pruned row that never reached the topic',
    check: checkOutbox,
    plant: world => {
      world.outboxRows.clear()
      removeWhere(world.log.committed.outbox, record => record.subjectId === names.initialLamp)
    },
    subject: { sku: lamp, eventId: names.initialLamp },
    message: /on the topic 0 times/,
  },
  {
    title: 'I7 an event on the outbox topic without a row',
    check: checkNoGhosts,
    plant: world =>
      world.log.committed.outbox.push({
        ...the(world.log.committed.outbox[2]),
        eventId: 'ghost',
        subjectId: orphan,
        key: orphan,
      }),
    subject: { orderId: orphan, eventId: 'ghost' },
    message: /no committed row/,
  },
  {
    title: 'I7 an order-created without an order',
    check: checkNoGhosts,
    plant: world => world.orders.delete(refused),
    subject: { orderId: refused },
    message: /no row in orders/,
  },
  {
    title: 'I7 a reservation of an ended order',
    check: checkNoGhosts,
    plant: world => (the(stockOf(world, lamp).rows[1]).state = 'held'),
    subject: { sku: lamp, orderId: refused },
    message: /its order is rejected/,
  },
  {
    title: 'I7 an old reservation of an unknown order',
    check: checkNoGhosts,
    plant: world =>
      (stockOf(world, mug).rows = [
        { entry: orphan, kind: 'reservation', quantity: 1, state: 'held', atMs: 0 },
      ]),
    subject: { sku: mug, orderId: orphan },
    message: /no order or adjustment has it/,
  },
  {
    title: 'I7 an old reservation of an abandoned adjustment',
    check: checkNoGhosts,
    plant: world => {
      world.abandonedAdjustments.add(orphan)
      stockOf(world, mug).rows = [{ entry: orphan, kind: 'reservation', quantity: 1, state: 'held', atMs: 0 }]
    },
    subject: { sku: mug, orderId: orphan },
    message: /its adjustment was abandoned/,
  },
  {
    title: 'I9 one event committed twice',
    check: checkAbortedInvisible,
    plant: world =>
      world.log.committed.movements.push({ ...the(world.log.committed.movements[2]), offset: 999 }),
    subject: { sku: lamp, eventId: names.lineLamp },
    message: /committed twice/,
  },
  {
    title: 'I9 an aborted update stands in the history',
    check: checkAbortedInvisible,
    plant: world => {
      const record = the(world.log.committed.updates.pop())
      world.log.aborted.updates.push(record)
    },
    subject: { sku: mug, eventId: names.saleMug },
    message: /stands in the history/,
  },
  {
    title: 'I9 an aborted movement was applied',
    check: checkAbortedInvisible,
    plant: world => world.log.aborted.movements.push(the(world.log.committed.movements.pop())),
    subject: { sku: mug, eventId: names.saleMug },
    message: /the ledger applied it/,
  },
  {
    title: 'I9 an aborted confirmation took effect',
    check: checkAbortedInvisible,
    plant: world => world.log.aborted.confirmed.push(the(world.log.committed.confirmed.pop())),
    subject: { orderId: sold },
    message: /Postgres has it as confirmed/,
  },
  {
    title: 'I9 an aborted outbox record was processed',
    check: checkAbortedInvisible,
    plant: world => world.log.aborted.outbox.push(the(world.log.committed.outbox.pop())),
    subject: { orderId: refused, eventId: names.outboxRefused },
    message: /yet processed/,
  },
]
