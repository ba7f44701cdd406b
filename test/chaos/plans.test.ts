import { expect, test } from 'vitest'
import { createRandom } from '../../src/core/random.ts'
import { describeRound, planRound } from './support/kill-round.ts'
import { places } from './support/places.ts'
import { describePlan, planUnknown } from './support/unknown.ts'
import { targets } from './support/unknown-targets.ts'

const roundsOf = (seed: number, count: number): string[] => {
  const random = createRandom(seed)
  return Array.from({ length: count }, () => describeRound(planRound(random)))
}

test('the rounds of a seed are the same again, those of another are not', () => {
  expect(roundsOf(5, 50)).toEqual(roundsOf(5, 50))
  expect(roundsOf(5, 50)).not.toEqual(roundsOf(6, 50))
})

test('rounds reach every named place, two processes at once, and any moment', () => {
  const rounds = roundsOf(1, 500).join('\n')
  for (const { name } of places) expect(rounds).toContain(` at ${name}:`)
  expect(rounds).toMatch(/^[^\n]* after \d+ ms, (serve|relay|worker-.)/m)
})

test('unknown outcomes reach every kind of request first, then every fault of each', () => {
  const first = planUnknown(createRandom(3), true).next(targets.length)
  expect(new Set(first.map(({ target }) => target.name)).size).toBe(targets.length)
  const faults = targets.reduce((sum, target) => sum + target.faults.length, 0)
  const all = planUnknown(createRandom(3), false)
    .next(targets.length + faults)
    .slice(targets.length)
  expect(new Set(all.map(({ target, fault }) => `${target.server} ${target.name} ${fault}`)).size).toBe(
    faults,
  )
})

test('the faults of a seed are the same again', () => {
  const of = (seed: number) => planUnknown(createRandom(seed), true).next(60).map(describePlan)
  expect(of(5)).toEqual(of(5))
})
