import { describe, expect, test } from 'vitest'
import { derivedId } from '../../../src/core/ids.ts'
import { OrderEvents } from '../../../src/orders/trace/order-events.ts'
import { inOrder, stepOf } from '../../../src/orders/trace/steps.ts'
import { waitingSteps, type WaitingFacts } from '../../../src/orders/trace/waiting.ts'
import { eventTopics } from '../../../src/orders/trace/order-events.ts'

const orderId = '01a21572-dabc-73bf-9eac-498764277b5d'
const line = { sku: 'A', quantity: 1, amountMinor: 1, mode: 'lwt', generation: 0 } as const
type Event = readonly [topic: string, value: object]

const eventsOf = (found: readonly Event[], isOpen = false): OrderEvents => {
  const events = new OrderEvents(
    orderId,
    ['A'],
    eventTopics.map(name => ({ name, partitions: 4 })),
  )
  for (const [topic, value] of found) {
    const { partition } = events.partitions().find(place => place.topic === topic) ?? { partition: 0 }
    events.add({ topic, partition, offset: 7, timestamp: 1, committedAt: isOpen ? null : 2, isOpen, value })
  }
  return events
}
const movement = (type: 'line' | 'sale' | 'release'): Event => [
  'stock-movement',
  { eventId: derivedId(orderId, type, 'A') },
]
const update = (of: 'line' | 'sale' | 'release', type: string): Event => [
  'stock-update',
  { eventId: derivedId(orderId, of, 'A'), type, sku: 'A', version: 2, at: 1 },
]
const outbox: Event = ['shop.public.outbox_event', {}]
const created: Event = ['order-created', {}]
const validated: Event = ['order-validated', {}]
const confirmed: Event = ['order-confirmed', {}]
const decided = [outbox, created, validated, movement('line'), update('line', 'reservation')]
const ended = [...decided, confirmed, movement('sale'), update('sale', 'sale')]

const factsOf = (
  found: readonly Event[],
  more: Partial<WaitingFacts> = {},
  committed?: number,
): WaitingFacts => ({
  log: { events: eventsOf(found), committed: () => committed, deadLetters: [] },
  lines: [line],
  reservations: undefined,
  history: undefined,
  status: 'created',
  ...more,
})
const waits = (facts: WaitingFacts): string[] =>
  waitingSteps(facts).map(({ step, waitsFor }) => `${step}: ${waitsFor ?? ''}`)

describe('what an order waits for', () => {
  test.each([
    ['the relay', [], /^relayed: .*is the relay running/],
    ['order-created', [outbox], /^order-created: orders has not done shop.public.outbox_event\[\d]@7 yet/],
    ['the rules', [outbox, created], /^order-validated: .*are the workers running/],
    ['its lines', [outbox, created, validated], /^line: /],
    ['the ledger', [outbox, created, validated, movement('line')], /^reservation: .*stock-movement/],
    ['the gathering', decided, /^order-confirmed: /],
    ['the sale', [...decided, confirmed, movement('sale')], /^sale: .*stock-movement/],
    ['its row', ended, /^status: settlement has not done order-confirmed/],
  ])('%s', (_, found, expected) => {
    const said = waits(factsOf(found, {}, 3))
    expect(said[0]).toMatch(expected)
  })

  test('nothing, when it has ended everywhere', () => {
    const history = new Set([derivedId(orderId, 'line', 'A'), derivedId(orderId, 'sale', 'A')])
    expect(waits(factsOf(ended, { status: 'confirmed', history, reservations: [] }))).toEqual([])
  })

  test('the materializer and settlement, where Cassandra is behind', () => {
    const row = {
      sku: 'A',
      generation: 0,
      state: 'held',
      quantity: 1,
      reservedAt: 1,
      settledBy: undefined,
      writtenAt: 1,
    }
    const reservations = [{ sku: 'A', row, hasGeneration: true }]
    const facts = factsOf(ended, { status: 'confirmed', history: new Set(), reservations })
    expect(waits(facts).map(text => text.split(' ')[0])).toEqual(['settled:', 'history:', 'history:'])
  })

  test('nothing that would come by itself, where a record was parked or passed', () => {
    expect(waits(factsOf([outbox], {}, 8))).toEqual([expect.stringContaining('nothing came of it')])
    const facts = factsOf([outbox], {}, 8)
    const place = { topic: 'orders-dlq', partition: 1, offset: 0 }
    const { partition } = facts.log.events.one('shop.public.outbox_event') ?? { partition: 0 }
    const letter = {
      place,
      source: { topic: 'shop.public.outbox_event', partition, offset: 7 },
      code: 'SLUICE_X',
      exception: '',
      message: '',
      stackTrace: '',
      task: '',
      step: '',
      parkedAt: '',
      key: null,
      value: null,
      timestamp: 1,
      headers: [],
      leftOut: [],
      valueBytes: undefined,
      valueSha256: undefined,
      retryOf: undefined,
      retries: 0,
    }
    const parked = { ...facts, log: { ...facts.log, deadLetters: [letter] } }
    expect(waits(parked)).toEqual([expect.stringContaining('was parked in orders-dlq[1]@0: SLUICE_X')])
  })
})

describe('a search', () => {
  const isDone = (events: OrderEvents): string[] =>
    events
      .partitions()
      .filter(place => events.isComplete(place))
      .map(({ topic }) => topic)

  test('leaves a partition when nothing more of the order can come there', () => {
    expect(isDone(eventsOf([]))).toEqual([])
    expect(isDone(eventsOf(decided))).toEqual([
      'shop.public.outbox_event',
      'order-created',
      'order-validated',
    ])
    expect(isDone(eventsOf(ended))).toHaveLength(7)
    const refused = [...decided.slice(0, 4), update('line', 'refusal')]
    expect(isDone(eventsOf(refused))).toEqual(expect.arrayContaining(['stock-movement', 'stock-update']))
    const faulty: Event = ['order-rejected', { reasons: [{ code: 'no-lines' }] }]
    expect(isDone(eventsOf([outbox, created, faulty]))).toContain('order-validated')
  })

  test('stays while a transaction is open, and forgets what was aborted', () => {
    const events = eventsOf([created], true)
    const { partition } = events.one('order-created') ?? { partition: 0 }
    expect(isDone(events)).toEqual([])
    events.end({ topic: 'order-created', partition }, [7], null)
    expect(events.one('order-created')).toBeUndefined()
  })
})

test('steps come in the order of their times, equal ones in the flow’s, untimed ones behind', () => {
  const steps = [
    stepOf('relayed', '', { state: 'waiting' }),
    stepOf('history', ''),
    stepOf('committed', '', { at: 5 }),
    stepOf('line', '', { at: 5 }),
    stepOf('accepted', '', { at: 1 }),
  ]
  expect(inOrder(steps).map(({ step }) => step)).toEqual([
    'accepted',
    'committed',
    'line',
    'history',
    'relayed',
  ])
})
