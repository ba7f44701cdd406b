import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { renderReport } from '../chaos/support/report.ts'
import { runUnknown } from '../chaos/support/runs.ts'
import { openStage } from '../chaos/support/stage.ts'
import type { Stage } from '../chaos/support/stage.ts'
import { targets } from '../chaos/support/unknown-targets.ts'
import { proxied } from '../chaos/support/unknown.ts'
import { stackConfig } from './support/system.ts'

// Each process behind proxies of its own, and each kind of request that changes something made to end nobody knows how.

const seed = Number(process.env['SLUICE_CHAOS_SEED'] ?? Date.now() % 1_000_000)
const outcomes = 50

let stage: Stage

beforeAll(async () => {
  stage = await openStage({ config: stackConfig, seed, run: randomUUID().slice(0, 8), proxied })
})
afterAll(async () => {
  if (stage === undefined) return
  process.stdout.write(`${renderReport(stage.report())}\nlogs: ${stage.system.logFolder}\n`)
  await stage.close()
})

test(
  `${outcomes} unknown outcomes are resolved (SLUICE_CHAOS_SEED=${seed})`,
  { timeout: 900_000 },
  async () => {
    await runUnknown(stage, outcomes, { judgeEvery: outcomes, isQuick: true })
    expect(stage.book.violations).toEqual([])
    const struck = new Set(stage.system.faults().map(({ rule }) => rule))
    expect(targets.map(({ name }) => name).filter(name => !struck.has(name))).toEqual([])
  },
)
