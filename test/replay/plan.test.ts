import { describe, expect, test } from 'vitest'
import { requireFreeNames, requireOwnNames, writtenTopics } from '../../src/replay/guards.ts'
import { isTopicOf, planTopicOf, requireReplayId, shadowOfPlanTopic } from '../../src/replay/names.ts'
import { shadowTopology, inputsOf, storeCounterparts } from '../../src/replay/shadow-topology.ts'
import { isComplete, parseFrom, requireWholeLog, resolveStarts } from '../../src/replay/start.ts'
import { topologies } from '../../topology/index.ts'
import { orders } from '../../topology/orders.ts'

const live = Object.values(topologies)
const ledger = shadowTopology({ topology: orders, reading: ['stock-movement'] }, 'x')

describe('names', () => {
  test('an id is what topics and keyspaces can bear', () => {
    for (const id of ['', '1a', 'a-b', 'a_b', 'A', 'a'.repeat(17)])
      expect(() => requireReplayId(id)).toThrow(/cannot be the id/)
    expect(requireReplayId('views2')).toBe('views2')
  })

  test('no replay owns the topics of another whose id begins like its own', () => {
    expect(isTopicOf('orders-replay-a', 'orders-replay-ab-plan')).toBe(false)
    expect(shadowOfPlanTopic(planTopicOf('orders-replay-a'))).toBe('orders-replay-a')
    expect(shadowOfPlanTopic('orders-replay-a-b-plan')).toBeUndefined()
    expect(shadowOfPlanTopic('flight-plan')).toBeUndefined()
  })
})

describe('the shadow of a topology', () => {
  test('reads live and writes beside it', () => {
    expect(inputsOf(ledger)).toEqual({ live: ['stock-movement'], own: [] })
    expect(writtenTopics(ledger)).toEqual([
      'orders-replay-x-stock-update',
      'orders-replay-x-stock-ledger-changelog',
      'orders-replay-x-stock-entries-changelog',
      'orders-replay-x-dlq',
      'orders-replay-x-dlq-status',
    ])
    expect(storeCounterparts(ledger).map(store => store.live)).toEqual([
      'orders-stock-ledger-changelog',
      'orders-stock-entries-changelog',
    ])
  })

  test('reads its own topics where it writes them', () => {
    const whole = shadowTopology({ topology: orders }, 'x')
    expect(inputsOf(whole).live).toEqual(['shop.public.outbox_event'])
    expect(inputsOf(whole).own).toContain('orders-replay-x-stock-movement')
    expect(inputsOf(whole).own).toContain('orders-replay-x-line-decisions-repartition')
  })

  test('cannot begin behind a topic that only another part writes', () => {
    expect(() => shadowTopology({ topology: orders, reading: ['order-validated'] }, 'x')).toThrow(
      /also reads line-decisions-repartition/,
    )
    expect(() => shadowTopology({ topology: orders, reading: ['nothing'] }, 'x')).toThrow(/no part of orders/)
  })
})

describe('guards', () => {
  test('every shadow of every topology writes only what is its own', () => {
    for (const shadow of [ledger, ...live.map(topology => shadowTopology({ topology }, 'x'))]) {
      requireOwnNames(shadow, live)
      expect(writtenTopics(shadow).filter(topic => !topic.includes('-replay-x-'))).toEqual([])
    }
  })

  test('a shadow that would write to a live topic, changelog or group is refused', () => {
    const { shadow: _, ...asLive } = ledger
    expect(() => requireOwnNames(asLive, live)).toThrow(/not its own: stock-update/)
    expect(() => requireOwnNames(orders, live)).toThrow(/not its own/)
    expect(() => requireOwnNames(ledger, [...live, { ...orders, name: ledger.name }])).toThrow(/not its own/)
  })

  test('topics of that name that no replay made are left alone', () => {
    requireFreeNames('orders-replay-x', ['stock-update', 'orders-replay-xy-dlq'])
    expect(() => requireFreeNames('orders-replay-x', ['orders-replay-x-dlq'])).toThrow(/not its own/)
  })
})

describe('where to begin', () => {
  const at = (partition: number, offset: number) => ({ topic: 'stock-update', partition, offset })
  const admin = {
    listOffsets: async () => [at(0, 3), at(1, 0)],
    offsetsAt: async () => [at(0, 7), at(1, 9)],
  }
  const starts = (text: string) => resolveStarts(parseFrom(text), admin, [at(0, 0), at(1, 0)])

  test.each([
    ['start', [3, 0]],
    ['2026-01-31T12:00:00Z', [7, 9]],
    ['2026-01-31', [7, 9]],
    ['offset:stock-update-1=5', [3, 5]],
    ['offset:stock-update-0=1,stock-update-1=5', [3, 5]],
  ])('%s', async (text, offsets) => {
    expect((await starts(text)).map(({ offset }) => offset)).toEqual(offsets)
  })

  test.each(['', 'yesterday', 'offset:', 'offset:stock-update=5', '12'])('"%s" says nothing', text => {
    expect(() => parseFrom(text)).toThrow(/does not say where to begin/)
  })

  test('partitions that are not read are no place to begin', async () => {
    await expect(starts('offset:stock-update-2=5')).rejects.toThrow(/does not read stock-update-2/)
  })

  test('state is not built on a log without its beginning, unless that is wanted', () => {
    const time = parseFrom('2026-01-31')
    const start = parseFrom('start')
    const late = [at(0, 3), at(1, 0)]
    const stateful = { isStateful: true, isPartial: false }
    const stateless = { isStateful: false, isPartial: false }
    expect(() => requireWholeLog(time, late, stateful)).toThrow(/state that was built before is missing/)
    expect(() => requireWholeLog(start, late, stateful)).toThrow(/does not begin at its beginning/)
    expect(() => requireWholeLog(start, late, stateless)).toThrow(/does not begin at its beginning/)
    requireWholeLog(time, late, stateless)
    requireWholeLog(time, late, { isStateful: true, isPartial: true })
    requireWholeLog(start, [at(0, 0)], stateful)
    expect(isComplete(late)).toBe(false)
  })
})
