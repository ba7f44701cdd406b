import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { DemoResult } from '../../src/cli/demo/run.ts'
import { sluice } from './support/sluice.ts'

test(
  'the demonstration runs to its end and finds all as it should be',
  { timeout: 10 * 60_000 },
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-demo-'))
    const result = JSON.parse(
      String(await sluice(['demo', '--orders', '200', '--json'], folder)),
    ) as DemoResult
    expect(result.faults).toEqual([])
    expect(result.answers.sent).toBe(200)
    expect(result.answers.accepted).toBeGreaterThan(0)
    expect(result.answers.outOfStock).toBeGreaterThan(0)
    expect(result.answers.invalid).toBeGreaterThan(0)
    expect(result.check.ok).toBe(true)
    await rm(folder, { recursive: true })
  },
)
