import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { runServers } from '../chaos/servers/run-servers.ts'
import { openServers, type ServerControl } from '../chaos/servers/server-control.ts'
import { eachOnce } from '../chaos/servers/strike.ts'

// On a stack of its own: its servers are put to sleep and killed.

let servers: ServerControl

beforeAll(async () => {
  servers = await openServers(process.env, systemClock)
})
afterAll(() => servers?.close())

it('takes orders again after each server and process has slept, and each server was killed', async () => {
  const outcome = await runServers({
    servers,
    seed: 1,
    run: `servers-${randomBytes(3).toString('hex')}`,
    strikes: eachOnce,
    strikesPerVerdict: Infinity,
  })
  expect(outcome.violations).toEqual([])
  expect(outcome.recovery.map(({ count }) => count)).toEqual(eachOnce.map(() => 1))
  expect(outcome.statuses['POST orders 503']).toBeGreaterThan(0)
}, 600_000)
