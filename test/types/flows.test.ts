import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

// flows.ts holds programs that must not compile; the compiler itself is the judge.
it('compiles, with every expected error and no other', { timeout: 120_000 }, () => {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  const output = execFileSync('node_modules/.bin/tsc', ['--noEmit'], { cwd: root, encoding: 'utf8' })
  expect(output).toBe('')
})
