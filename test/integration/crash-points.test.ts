import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { crashPointNames } from '../../src/core/crash-points.ts'
import { killAt } from '../chaos/support/kill-at.ts'
import { places } from '../chaos/support/places.ts'
import { renderReport } from '../chaos/support/report.ts'
import { openStage } from '../chaos/support/stage.ts'
import type { Stage } from '../chaos/support/stage.ts'
import { stackConfig } from './support/system.ts'

// Every named place kills its process once, alone and under load.

const seed = 1

describe('a process dies at', () => {
  let stage: Stage

  beforeAll(async () => {
    stage = await openStage({ config: stackConfig, seed, run: randomUUID().slice(0, 8) })
  })
  afterAll(async () => {
    process.stdout.write(`${renderReport(stage.report())}\n`)
    await stage.close()
  })

  it.each(places)('$name', async place => {
    const before = stage.book.violations.length
    const index = crashPointNames.indexOf(place.name)
    await killAt(stage, place, place.processes[index % place.processes.length] ?? 'serve')
    expect(stage.book.violations.slice(before)).toEqual([])
  })

  it('and nothing is lost, doubled or left behind', { timeout: 180_000 }, async () => {
    const { violations } = await stage.judge()
    expect(violations).toEqual([])
  })
})
