import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { crashPointNames } from '../../src/core/crash-points.ts'
import { killAt } from '../chaos/support/kill-at.ts'
import { places } from '../chaos/support/places.ts'
import { renderReport } from '../chaos/support/report.ts'
import { runKills } from '../chaos/support/runs.ts'
import { openStage } from '../chaos/support/stage.ts'
import type { Stage } from '../chaos/support/stage.ts'
import { stackConfig } from './support/system.ts'

// Every named place kills its process once, alone and under load; then processes die by chance, some of them two at once.

const seed = Number(process.env['SLUICE_CHAOS_SEED'] ?? Date.now() % 1_000_000)
const rounds = 20

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

  it.each(places)('$name', { timeout: 400_000 }, async place => {
    const before = stage.book.violations.length
    const index = crashPointNames.indexOf(place.name)
    await killAt(stage, place, place.processes[index % place.processes.length] ?? 'serve')
    expect(stage.book.violations.slice(before)).toEqual([])
  })

  it('at all of these nothing was lost, doubled or left behind', { timeout: 300_000 }, async () => {
    expect((await stage.judge()).violations).toEqual([])
  })

  it(`nor is it in ${rounds} rounds by chance`, { timeout: 600_000 }, async () => {
    await runKills(stage, rounds, { judgeEvery: rounds })
    expect(stage.book.violations).toEqual([])
  })
})
