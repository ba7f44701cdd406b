import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { runStorm } from '../chaos/storm/run-storm.ts'
import { createTestKeyspace, type TestKeyspace } from './support/keyspace.ts'
import { stack } from './support/stack.ts'

let keyspace: TestKeyspace

beforeAll(async () => {
  keyspace = await createTestKeyspace('storm')
})
afterAll(() => keyspace.drop())

it('goes on while one worker joins or leaves each second, and enters every move exactly once', async () => {
  const outcome = await runStorm({
    servers: { ...stack, keyspace: keyspace.name },
    seed: 1,
    durationMs: 20_000,
    sessionTimeoutMs: 2_000,
    perSecond: 150,
    logFolder: await mkdtemp(join(tmpdir(), 'sluice-storm-')),
    clock: systemClock,
  })
  expect(outcome.faults).toEqual([])
  expect(outcome.moves).toBeGreaterThan(500)
  expect(Math.min(...Object.values(outcome.events))).toBeGreaterThan(0)
}, 240_000)
