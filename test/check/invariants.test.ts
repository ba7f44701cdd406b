import { describe, expect, test } from 'vitest'
import { checkAbortedInvisible } from '../../src/check/invariants/i9-aborted.ts'
import { checkConservation } from '../../src/check/invariants/i1-conservation.ts'
import { checkNoGhosts } from '../../src/check/invariants/i7-no-ghosts.ts'
import { checkOneEnd } from '../../src/check/invariants/i3-one-end.ts'
import { judge } from '../../src/check/run-check.ts'
import { plantsInEvents } from './plants-in-events.ts'
import { plantsInNumbers } from './plants-in-numbers.ts'
import { plantsInReplay } from './plants-in-replay.ts'
import { stockOf } from './plant.ts'
import { namesOf, soundWorld } from './world.ts'

const options = { allowOpen: false, orphanGraceMs: 60_000 }
const { mug, stranger: orphan } = namesOf(0)

describe('the invariants', () => {
  test('hold in a sound world, each with something compared', () => {
    for (const result of judge(soundWorld(), options)) {
      expect(result).toMatchObject({ ok: true, violations: [], violationCount: 0 })
      expect(result.compared).toBeGreaterThan(0)
    }
  })

  test.each([...plantsInNumbers, ...plantsInEvents, ...plantsInReplay])(
    '$title',
    ({ check, plant, subject: wanted, message }) => {
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
    },
  )

  test('fail when there is nothing to compare', () => {
    const world = soundWorld()
    for (const part of [world.orders, world.adjustments, world.outboxRows, world.stock, world.stockStates])
      part.clear()
    world.stockUpdates.clear()
    world.log.changelog.levels.clear()
    world.log.changelog.entries.clear()
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

  test('copies by another than the relay are no violation', () => {
    const world = soundWorld()
    const { outbox } = world.log.committed
    outbox.push(...outbox.map(record => ({ ...record, byRelay: false, offset: record.offset + 1_000 })))
    outbox.push(...outbox.slice(-2).map(record => ({ ...record, offset: record.offset + 1_000 })))
    for (const result of judge(world, options)) expect(result).toMatchObject({ ok: true, violations: [] })
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
