import { expect, test } from 'vitest'
import { renderCheck } from '../../src/check/render.ts'
import { judge } from '../../src/check/run-check.ts'
import type { CheckReport } from '../../src/check/types.ts'
import { namesOf, soundWorld, type World } from './world.ts'

const reportOf = (world: World): CheckReport => {
  const invariants = judge(world)
  return { ok: invariants.every(({ ok }) => ok), invariants, durationMs: 1_234 }
}

test('a sound report has one line per invariant with what was compared, and the verdict', () => {
  const text = renderCheck(reportOf(soundWorld()))
  for (const id of ['I1', 'I2', 'I3', 'I4', 'I5', 'I6', 'I7', 'I8', 'I9']) {
    expect(text).toMatch(new RegExp(`^${id} .* [1-9]\\d* +ok$`, 'm'))
  }
  expect(text).toMatch(/all hold \(1\.2 s\)$/)
})

test('violations are listed with what they are about', () => {
  const world = soundWorld()
  for (const generation of world.stock.get(namesOf(0).lamp) ?? []) generation.available = 1
  const text = renderCheck(reportOf(world))
  expect(text).toMatch(/^I1 .*FAILED: 1 violation$/m)
  expect(text).toMatch(/^I1 SKU LAMP 0: Cassandra adjusted 10, available 1/m)
  expect(text).toMatch(/NOT everything holds/)
})

test('nothing compared is told apart from violations', () => {
  const world = soundWorld()
  for (const part of [world.orders, world.adjustments, world.outboxRows]) part.clear()
  world.log.committed.outbox.length = 0
  world.log.committed.validated.length = 0
  expect(renderCheck(reportOf(world))).toMatch(/^I6 .* 0 +FAILED: nothing to compare$/m)
})
