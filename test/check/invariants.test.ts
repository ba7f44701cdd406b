import { describe, expect, test } from 'vitest'
import type { Invariant } from '../../src/check/invariants/types.ts'
import { checkAbortedInvisible } from '../../src/check/invariants/i9-aborted.ts'
import { checkConservation } from '../../src/check/invariants/i1-conservation.ts'
import { checkHistory } from '../../src/check/invariants/i4-history.ts'
import { checkNoGhosts } from '../../src/check/invariants/i7-no-ghosts.ts'
import { checkNoOversell } from '../../src/check/invariants/i2-no-oversell.ts'
import { checkOneEnd } from '../../src/check/invariants/i3-one-end.ts'
import { checkOrderPerKey } from '../../src/check/invariants/i5-order.ts'
import { checkOutbox } from '../../src/check/invariants/i6-outbox.ts'
import { judge } from '../../src/check/run-check.ts'
import { namesOf, soundWorld, type World } from './world.ts'

const names = namesOf(0)
const { lamp, mug, sold, refused } = names

const options = { allowOpen: false, orphanGraceMs: 60_000 }
const orphan = names.stranger

/** The item, which the world is known to have. */
const the = <T>(item: T | undefined): T => {
  if (item === undefined) throw new Error('the sound world lacks it')
  return item
}

const removeWhere = <T>(items: T[], matches: (item: T) => boolean): void => {
  const index = items.findIndex(matches)
  items.splice(index, 1)
}

interface Plant {
  readonly title: string
  readonly check: Invariant
  readonly plant: (world: World) => void
  /** Part of what the violation must name. */
  readonly subject: { readonly sku?: string; readonly orderId?: string; readonly eventId?: string }
  readonly message: RegExp
}

const stockOf = (world: World, sku: string) => the(world.stock.get(sku)?.at(-1))

const plants: readonly Plant[] = [
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

describe('the invariants', () => {
  test('hold in a sound world, each with something compared', () => {
    for (const result of judge(soundWorld(), options)) {
      expect(result).toMatchObject({ ok: true, violations: [], violationCount: 0 })
      expect(result.compared).toBeGreaterThan(0)
    }
  })

  test.each(plants)('$title', ({ check, plant, subject: wanted, message }) => {
    const world = soundWorld()
    plant(world)
    const result = check(world, options)
    expect(result.ok).toBe(false)
    const named = result.violations.filter(({ subject }) =>
      Object.entries(wanted).every(([name, value]) => Reflect.get(subject, name) === value),
    )
    expect(named.map(violation => violation.message)).toEqual(
      expect.arrayContaining([expect.stringMatching(message)]),
    )
  })

  test('fail when there is nothing to compare', () => {
    const world = soundWorld()
    for (const part of [world.orders, world.adjustments, world.outboxRows, world.stock, world.stockStates])
      part.clear()
    world.stockUpdates.clear()
    for (const records of Object.values(world.log.committed)) records.length = 0
    for (const result of judge(world, options)) expect(result).toMatchObject({ compared: 0, ok: false })
  })

  test('keep the first 20 violations and count all', () => {
    const world = soundWorld()
    for (let index = 0; index < 50; index += 1) {
      world.orders.set(`open-${index}`, { status: 'created', lines: [], totalMinor: 0 })
    }
    const result = checkOneEnd(world, options)
    expect(result.violations).toHaveLength(20)
    expect(result.violationCount).toBe(50)
  })

  test('an open order is no violation when open orders are allowed', () => {
    const world = soundWorld()
    world.orders.set('open', { status: 'created', lines: [], totalMinor: 0 })
    expect(checkOneEnd(world, { ...options, allowOpen: true }).ok).toBe(true)
  })

  test('a young reservation of an unknown order is still the reaper’s', () => {
    const world = soundWorld()
    const atMs = world.takenAtMs - 1_000
    stockOf(world, mug).rows.push({ entry: orphan, kind: 'reservation', quantity: 1, state: 'held', atMs })
    stockOf(world, mug).available -= 1
    expect(checkNoGhosts(world, options).ok).toBe(true)
    expect(checkConservation(world, options).ok).toBe(true)
  })

  test('a transaction that never ended is a violation, unless open work is allowed', () => {
    const world = soundWorld()
    const open = { ...world, log: { ...world.log, undecided: new Map([['order-created', 3]]) } }
    expect(checkAbortedInvisible(open, options).violations).toEqual([
      { subject: { topic: 'order-created' }, message: '3 records are of transactions that have not ended' },
    ])
    expect(checkAbortedInvisible(open, { ...options, allowOpen: true }).ok).toBe(true)
  })

  test('what was aborted and then committed is no violation', () => {
    const world = soundWorld()
    world.log.aborted.updates.push(...world.log.committed.updates)
    world.log.aborted.confirmed.push(...world.log.committed.confirmed)
    expect(checkAbortedInvisible(world, options).ok).toBe(true)
  })
})
