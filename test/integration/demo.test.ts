import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import type { DemoResult } from '../../src/cli/demo/run.ts'
import { environmentOf } from '../../src/cli/demo/system.ts'
import { stackConfig } from './support/system.ts'

const sluice = resolve(import.meta.dirname, '../../bin/sluice')

test(
  'the demonstration runs to its end and finds all as it should be',
  { timeout: 10 * 60_000 },
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-demo-'))
    const { stdout } = await promisify(execFile)(sluice, ['demo', '--orders', '200', '--json'], {
      cwd: folder,
      env: { ...process.env, ...environmentOf(stackConfig) },
    })
    const result = JSON.parse(stdout) as DemoResult
    expect(result.faults).toEqual([])
    expect(result.answers.sent).toBe(200)
    expect(result.answers.accepted).toBeGreaterThan(0)
    expect(result.answers.outOfStock).toBeGreaterThan(0)
    expect(result.answers.invalid).toBeGreaterThan(0)
    expect(result.check.ok).toBe(true)
    await rm(folder, { recursive: true })
  },
)
