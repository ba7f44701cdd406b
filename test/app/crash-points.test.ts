import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { crashPointsOf } from '../../src/app/crash-points.ts'
import { crashPointNames } from '../../src/core/crash-points.ts'
import type { CrashPointName, CrashPoints } from '../../src/core/crash-points.ts'
import { silentLogger } from '../../src/core/log.ts'

const source = resolve(import.meta.dirname, '../../src')

const deathsOf = (env: Record<string, string>): { crash: CrashPoints | undefined; deaths: () => number } => {
  let deaths = 0
  const crash = crashPointsOf({
    env,
    log: silentLogger,
    die: () => {
      deaths += 1
    },
  })
  return { crash, deaths: () => deaths }
}

const passesBefore = (env: Record<string, string>, name: CrashPointName): number => {
  const { crash, deaths } = deathsOf(env)
  for (let passes = 0; passes < 10_000; passes += 1) {
    crash?.(name)
    if (deaths() > 0) return passes
  }
  return -1
}

const newFile = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-crash-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return join(folder, 'armed')
}

describe('crash points', () => {
  test('are off without a variable', () => {
    expect(deathsOf({}).crash).toBeUndefined()
    expect(deathsOf({ SLUICE_CRASH_AT: ' ' }).crash).toBeUndefined()
  })

  test('kill at the pass that is named, and at no other place', () => {
    expect(passesBefore({ SLUICE_CRASH_AT: 'relay.after-commit' }, 'relay.after-commit')).toBe(0)
    expect(passesBefore({ SLUICE_CRASH_AT: 'relay.after-commit:3' }, 'relay.after-commit')).toBe(2)
    expect(passesBefore({ SLUICE_CRASH_AT: 'relay.after-commit' }, 'relay.after-send')).toBe(-1)
  })

  test('by chance: the same seed kills at the same pass', () => {
    const at = (seed: string): number =>
      passesBefore({ SLUICE_CRASH_SEED: seed, SLUICE_CRASH_PROBABILITY: '0.01' }, 'commit.after-end')
    expect(at('7')).toBeGreaterThan(0)
    expect(at('7')).toBe(at('7'))
    expect(new Set(['1', '2', '3', '4'].map(at)).size).toBeGreaterThan(1)
  })

  test('by a file: from when it is there, once', () => {
    const file = newFile()
    const { crash, deaths } = deathsOf({ SLUICE_CRASH_FILE: file })
    crash?.('roll.after-close')
    expect(deaths()).toBe(0)
    writeFileSync(file, 'roll.after-close:2\n')
    crash?.('roll.after-close')
    crash?.('roll.after-open')
    expect(deaths()).toBe(0)
    crash?.('roll.after-close')
    expect(deaths()).toBe(1)
    expect(existsSync(file)).toBe(false)
    crash?.('roll.after-close')
    expect(deaths()).toBe(1)
  })

  test.each([
    [
      { SLUICE_CRASH_AT: 'order.after-lunch' },
      /no crash point "order.after-lunch".*\n {4}order\.after-intent\n/,
    ],
    [{ SLUICE_CRASH_AT: 'toString' }, /no crash point/],
    [{ SLUICE_CRASH_AT: 'order.after-commit:0' }, /pass of at least 1/],
    [{ SLUICE_CRASH_SEED: 'x' }, /SLUICE_CRASH_SEED/],
    [{ SLUICE_CRASH_SEED: '1', SLUICE_CRASH_PROBABILITY: '2' }, /SLUICE_CRASH_PROBABILITY/],
  ])('%o is refused with what is wrong', (env, message) => {
    expect(() => deathsOf(env)).toThrowError(
      expect.objectContaining({
        code: 'SLUICE_CONFIG_INVALID',
        message: expect.stringMatching(message) as string,
      }),
    )
  })

  test('a real process dies of SIGKILL, says so before, and finishes nothing', () => {
    const program = `
      const { crashPointsOf } = await import('${join(source, 'app/crash-points.ts')}')
      const { createLogger } = await import('${join(source, 'app/logger.ts')}')
      const crash = crashPointsOf({ env: process.env, log: createLogger('it') })
      process.on('exit', () => console.log('flushed'))
      crash('order.after-commit')
      console.log('went on')`
    const { signal, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
      env: { ...process.env, SLUICE_CRASH_AT: 'order.after-commit' },
      encoding: 'utf8',
    })
    expect({ signal, stdout }).toEqual({ signal: 'SIGKILL', stdout: '' })
    expect(stderr).toMatch(/CRASH POINTS ARE ON/)
    expect(stderr).toMatch(/"crashPoint":"order.after-commit"/)
  })
})

test('every crash point has its places in the source, each a line of its own', () => {
  const text = readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter(path => path.endsWith('.ts'))
    .map(path => readFileSync(join(source, path), 'utf8'))
    .join('\n')
  const placed = [...text.matchAll(/crash\?\.\('([^']+)'\)$/gm)].map(([, name = '']) => name)
  expect([...new Set(placed)].toSorted()).toEqual([...crashPointNames].toSorted())
})
