import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { topicOf } from '../../src/check/evidence.ts'
import { killAt } from '../chaos/support/kill-at.ts'
import { places, victimOf } from '../chaos/support/places.ts'
import type { Place } from '../chaos/support/places.ts'
import { renderReport } from '../chaos/support/report.ts'
import { runKills } from '../chaos/support/runs.ts'
import { openStage } from '../chaos/support/stage.ts'
import type { Stage } from '../chaos/support/stage.ts'
import { decodeTopics, preparePeer } from './support/peer.ts'
import { checkTargets, stackConfig } from './support/system.ts'

// Every named place kills its process once under load; then processes die by chance, some of them two at once. Places of one lane
// follow each other, each when the former has been recovered from, but lanes do not wait for one another:
// `npm run test:chaos -- places` takes the time to visit each place alone.

const seed = Number(process.env['SLUICE_CHAOS_SEED'] ?? Date.now() % 1_000_000)
const rounds = 20
const laneOf = (place: Place): string => victimOf(place).split('-')[0] ?? ''
const lanes = [...Map.groupBy(places, laneOf)]

const peer = await preparePeer()
const reason = 'missing' in peer ? ` (skipped: ${peer.missing})` : ''
const python = 'python' in peer ? peer.python : ''

describe(`kill -9 under load (SLUICE_CHAOS_SEED=${seed})`, () => {
  let stage: Stage

  beforeAll(async () => {
    stage = await openStage({ config: stackConfig, seed, run: randomUUID().slice(0, 8) })
  })
  afterAll(async () => {
    if (stage === undefined) return
    process.stdout.write(`${renderReport(stage.report())}\nlogs: ${stage.system.logFolder}\n`)
    await stage.close()
  })

  it.concurrent.each(lanes)('of %s at each of its places', { timeout: 900_000 }, async (_lane, visited) => {
    for (const place of visited) await killAt(stage, place, victimOf(place))
    expect(stage.book.violations).toEqual([])
  })

  it(`at all ${places.length} of these nothing was lost, doubled or left behind`, async () => {
    expect((await stage.judge()).violations).toEqual([])
  }, 300_000)

  it(`nor is it in ${rounds} rounds by chance`, { timeout: 600_000 }, async () => {
    await runKills(stage, rounds, { judgeEvery: rounds, reachWithinMs: 3_000 })
    expect(stage.book.violations).toEqual([])
  })

  it.skipIf(python === '')(
    `and nothing is on any topic that Confluent's Python client cannot decode${reason}`,
    { timeout: 120_000 },
    async () => {
      const { kafka, registry } = checkTargets
      const internal = ['stock-ledger', 'stock-entries', 'outbox-events', 'order-gathering'].map(
        store => `orders-${store}-changelog`,
      )
      // Other tests fill topics of their own with what nobody can decode.
      const topics = [...Object.values(topicOf), 'orders-line-decisions-repartition', ...internal]
      const require = topics.filter(topic => topic !== topicOf.rejected)
      const decoded = await decodeTopics(python, { kafka, registry, topics, require })
      expect(decoded).toMatchObject({ ok: true, failures: 0, missing: [] })
    },
  )
})
