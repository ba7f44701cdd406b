import { describe, expect, test } from 'vitest'
import { explore } from './explore.ts'
import type { Exploration } from './explore.ts'
import { mutations } from './mutations.ts'
import { protocolSpace } from './protocol.ts'
import type { Mutation, Scenario } from './scenario.ts'
import { orderOf, plainScenario } from './scenario.ts'

// Goal: no interleaving of orders, reapers, settlements and rolls, with crashes, lost answers and delayed requests, breaks an
// invariant or leaves work that nobody finishes.
// Method: every reachable state of the product's own code over modelled tables, nearest first. A fault is a crash, whose
// requests on the way arrive later or never, or a request whose answer never comes, and which arrives later or never.

const isWhole = process.env['SLUICE_TEST_MODEL'] === 'whole'
const mostStates = isWhole ? 2_000_000 : 400_000

const run = async (changes: Partial<Scenario>, mutation?: Mutation): Promise<Exploration> =>
  explore(await protocolSpace({ ...plainScenario, ...changes }, mutation), mostStates)

const one = [orderOf('order 1', 'A')]
const two = [orderOf('order 1', 'A'), orderOf('order 2', 'A')]
const wide = [orderOf('order 1', 'A', 'B'), orderOf('order 2', 'A', 'B')]
const three = [...wide, orderOf('order 3', 'A', 'B')]
const mixed = [
  orderOf('order 1', 'A', 'B'),
  orderOf('order 2', 'A'),
  { ...orderOf('order 3', 'B'), isFaulty: true },
]

type Row = readonly [name: string, atLeast: number, changes: Partial<Scenario>]

const scenarios: readonly Row[] = [
  ['1 order, 1 SKU, 2 faults', 3_000, { orders: one, stock: { A: 1 }, mostFaults: 2 }],
  [
    '1 order, 1 SKU, rolled at once, 2 faults',
    6_000,
    { orders: one, stock: { A: 1 }, rollAtEntries: 1, mostFaults: 2, isCalm: true },
  ],
  ['2 orders, 1 SKU, stock for one', 2_000, { orders: two, stock: { A: 1 } }],
  [
    '1 order, 1 SKU, a restock, 2 reapers, 2 settlements, 1 fault',
    900,
    {
      orders: one,
      stock: { A: 1 },
      restock: { sku: 'A', quantity: 1 },
      reapers: 2,
      settlers: 2,
      mostFaults: 1,
      isCalm: true,
    },
  ],
  [
    '3 orders of both of 2 SKUs, stock for one',
    1_500,
    { orders: three, stock: { A: 1, B: 1 }, isCalm: true },
  ],
  [
    '3 orders on 2 SKUs, one refused by the rules, 1 fault',
    20_000,
    { orders: mixed, stock: { A: 1, B: 1 }, mostFaults: 1, isCalm: true },
  ],
]

const wholeScenarios: readonly Row[] = [
  [
    '1 order, 1 SKU, rolled at once, 1 fault, any moment',
    150_000,
    { orders: one, stock: { A: 1 }, rollAtEntries: 1, mostFaults: 1 },
  ],
  [
    '2 orders, 1 SKU, stock for one, 1 fault, any moment',
    40_000,
    { orders: two, stock: { A: 1 }, mostFaults: 1 },
  ],
  [
    '2 orders, 1 SKU, stock for one, 2 faults',
    14_000,
    { orders: two, stock: { A: 1 }, mostFaults: 2, isCalm: true },
  ],
  [
    '2 orders, 1 SKU, a roll, 1 fault',
    25_000,
    { orders: two, stock: { A: 2 }, rollAtEntries: 2, mostFaults: 1, isCalm: true },
  ],
  ['2 orders of both of 2 SKUs, stock for one, any moment', 70_000, { orders: wide, stock: { A: 1, B: 1 } }],
  ['2 orders of both of 2 SKUs, stock for both, any moment', 300_000, { orders: wide }],
  [
    '2 orders of both of 2 SKUs, stock for one, 1 fault',
    10_000,
    { orders: wide, stock: { A: 1, B: 1 }, mostFaults: 1, isCalm: true },
  ],
  [
    '3 orders of both of 2 SKUs, stock for one, 1 fault',
    240_000,
    { orders: three, stock: { A: 1, B: 1 }, mostFaults: 1, isCalm: true },
  ],
]

const text = ({ violation }: Exploration): string =>
  violation === undefined
    ? ''
    : [violation.what, ...violation.way.map((step, index) => `${index + 1}. ${step}`)].join('\n')

// Seen in the output of the test's runner.
const show = (...lines: readonly string[]): void => {
  process.stdout.write(`${lines.join('\n    ')}\n`)
}

describe('in every reachable state the invariants hold, and a rest can be reached', () => {
  test.each(isWhole ? [...scenarios, ...wholeScenarios] : scenarios)(
    '%s',
    { timeout: isWhole ? 1_800_000 : 120_000 },
    async (name, atLeast, changes) => {
      const found = await run(changes)
      show(`${name}: ${found.states} states, ${found.steps} steps, ${found.rests} rests, ${found.depth} deep`)
      expect(text(found)).toBe('')
      expect(found.states).toBeGreaterThanOrEqual(atLeast)
      expect(found.rests).toBeGreaterThan(0)
    },
  )
})

describe('each precaution is missed when it is taken out', () => {
  const single: Partial<Scenario> = { orders: one, stock: { A: 1 } }
  const cases = {
    'a conditional write is not bound to the version': [
      { orders: two, stock: { A: 2 } },
      'is not adjusted 2',
    ],
    'a generation is opened without the carry': [{ ...single, rollAtEntries: 1 }, 'is not adjusted 1'],
    'rows of closed generations are not looked at': [
      { ...single, rollAtEntries: 1 },
      'found no reservation held',
    ],
    'a row that is absent is taken for one that never comes': [
      { ...single, mostFaults: 1 },
      'is abandoned and A is held',
    ],
    'stock is given back without abandoning the order first': [
      { ...single, mostFaults: 1 },
      'is created, its line of A (generation 0) is released',
    ],
    'a commit replaces an abandoned order': [
      { ...single, mostFaults: 1 },
      'is created, its line of A (generation 0) is released',
    ],
    'an intent is recorded after the reservation': [{ ...single, mostFaults: 1 }, 'is absent and A is held'],
    'an intent is removed before the stock is given back': [
      { ...single, mostFaults: 2 },
      'is abandoned and A is held',
    ],
    'the reaper does not wait until an intent is old': [{ ...single, mostFaults: 1 }, 'has been given back'],
  } as const satisfies Readonly<Record<keyof typeof mutations, readonly [Partial<Scenario>, string]>>

  test.each(Object.keys(mutations) as (keyof typeof mutations)[])('%s', { timeout: 120_000 }, async name => {
    const [changes, expected] = cases[name]
    const found = await run(changes, mutations[name])
    show(`${name}: found after ${found.states} states`, ...text(found).split('\n'))
    expect(found.violation?.what).toContain(expected)
  })
})
