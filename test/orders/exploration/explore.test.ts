import { expect, test } from 'vitest'
import { explore } from './explore.ts'
import type { Space, Step } from './explore.ts'

const spaceOf = (
  steps: Readonly<Record<number, readonly number[]>>,
  faults: Readonly<Record<number, number>> = {},
  bad?: number,
): Space => {
  const stepTo =
    (from: number, kind: Step['kind']) =>
    (to: number): Step => ({ kind, to: [to], label: () => `${from} to ${to}` })
  return {
    initial: [0],
    successors: ([state = 0]) => [
      ...(steps[state] ?? []).map(stepTo(state, 'step')),
      ...(faults[state] === undefined ? [] : [stepTo(state, 'fault')(faults[state])]),
    ],
    fill: async () => {},
    violation: ([state]) => (state === bad ? `state ${state} is bad` : undefined),
  }
}

test('every state is visited once, and those with nothing to do are rests', async () => {
  const found = await explore(spaceOf({ 0: [1, 2], 1: [3], 2: [3] }), 10)
  expect(found).toEqual({ states: 4, steps: 4, rests: 1, depth: 2, violation: undefined })
})

test('a violation comes with the shortest way to it', async () => {
  const { violation } = await explore(spaceOf({ 0: [1, 4], 1: [2], 2: [3], 4: [3] }, {}, 3), 10)
  expect(violation).toEqual({ what: 'state 3 is bad', way: ['0 to 4', '4 to 3'] })
})

test('a circle without a way out is found, even when another fault would lead out of it', async () => {
  const { violation } = await explore(spaceOf({ 0: [1, 2], 1: [5], 2: [3], 3: [2] }, { 3: 5 }), 10)
  expect(violation).toEqual({ what: 'never comes to rest from here', way: ['0 to 2'] })
})

test('an exploration that is not finished is no result', async () => {
  await expect(explore(spaceOf({ 0: [1], 1: [2], 2: [3] }), 2)).rejects.toThrow('more than 2 states')
})
