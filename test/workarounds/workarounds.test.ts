import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { workarounds as all } from './index.ts'

// `npm run test:workarounds` takes each out and runs its tests; here only: the list still fits the source.
describe('the list of work-arounds', () => {
  it.each(all.map(one => [one.name, one] as const))('%s: its text stands in the source once', (_, one) => {
    for (const { file, find } of one.edits) {
      expect(readFileSync(file, 'utf8').split(find)).toHaveLength(2)
    }
    expect(one.tests.filter(test => !existsSync(test))).toEqual([])
  })

  it('has one name for each', () => {
    expect(new Set(all.map(({ name }) => name)).size).toBe(all.length)
  })
})
