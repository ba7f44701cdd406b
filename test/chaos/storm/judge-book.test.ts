import { expect, test } from 'vitest'
import type { StockUpdate } from '../../../schemas/types.ts'
import type { Move } from './book.ts'
import { judgeBook } from './judge-book.ts'
import type { BookContents } from './read-book.ts'

const moves: readonly Move[] = [1, 2, 3].map(number => ({
  eventId: `event-${number}`,
  client: 'c',
  sku: 's',
  number,
}))

const updateOf = ({ eventId, client, sku, number }: Move, version: number): StockUpdate => ({
  eventId,
  sku,
  version,
  settlesAfter: version - 1,
  type: 'adjustment',
  orderId: null,
  quantity: 1,
  onHand: version,
  reserved: number,
  sold: 0,
  mode: 'lwt',
  generation: null,
  reason: client,
  at: 0,
})

const level = new Map([['s', { count: 3, sum: 6 }]])
const updates = moves.map((move, index) => updateOf(move, index + 1))
const contents: BookContents = { updates, levels: level, states: level, history: new Map([['s', 3]]) }
const [first, second, third] = updates as [StockUpdate, StockUpdate, StockUpdate]
const wrong = new Map([['s', { count: 3, sum: 7 }]])

test('a book in which every move was entered once has no faults', () => {
  expect(judgeBook(moves, contents)).toEqual([])
})

test.each<[string, Partial<BookContents>, string]>([
  ['lost move', { updates: [first, second] }, '1 moves lost'],
  ['doubled move', { updates: [...updates, { ...third, version: 4 }] }, '1 moves doubled'],
  [
    'move that nobody made',
    { updates: [...updates, { ...third, eventId: 'x', version: 4 }] },
    'from nowhere',
  ],
  ['state that was lost', { updates: [first, { ...second, version: 1 }, third] }, 'version 1 follows 1'],
  [
    'client whose moves overtook each other',
    { updates: [{ ...first, reserved: 2 }, { ...second, reserved: 1 }, third] },
    'move 1 follows 2',
  ],
  ['changelog that is wrong', { levels: wrong }, 's in changelog: 3 moves of sum 7, not 3 of 6'],
  ['table that is wrong', { states: wrong }, 's in stock_state'],
  ['history with a gap', { history: new Map([['s', 2]]) }, 's in stock_update: 2 rows, not 3'],
])('a %s is found', (_, change, fault) => {
  expect(judgeBook(moves, { ...contents, ...change }).join('\n')).toContain(fault)
})
