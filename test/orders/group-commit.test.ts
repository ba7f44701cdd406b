import { describe, expect, test } from 'vitest'
import { SluiceError } from '../../src/core/errors.ts'
import { createGroupCommit } from '../../src/orders/group-commit.ts'

const refused = new SluiceError({
  code: 'SLUICE_POSTGRES_REFUSED',
  message: 'no',
  details: { outcome: 'failed' },
})

const collecting = (maxWeight: number, fails: (items: readonly number[]) => unknown = () => undefined) => {
  const batches: (readonly number[])[] = []
  const commits = createGroupCommit<number, number>({
    maxConcurrent: 1,
    maxWeight,
    weigh: item => item,
    run: async items => {
      batches.push(items)
      const error = fails(items)
      if (error !== undefined) throw error
      return items.map(item => item * 10)
    },
  })
  return { batches, commits }
}

describe('createGroupCommit', () => {
  test('items that arrive together share a batch, each with its own result', async () => {
    const { batches, commits } = collecting(100)
    expect(await Promise.all([1, 2, 3].map(item => commits.add(item)))).toEqual([10, 20, 30])
    expect(batches).toEqual([[1, 2, 3]])
  })

  test('a batch stays below the weight, and a heavy item goes alone', async () => {
    const { batches, commits } = collecting(5)
    await Promise.all([2, 3, 1, 50, 1].map(item => commits.add(item)))
    expect(batches).toEqual([[2, 3], [1], [50], [1]])
  })

  test('a refused item fails alone', async () => {
    const { commits } = collecting(100, items => (items.includes(2) ? refused : undefined))
    const results = await Promise.allSettled([1, 2, 3].map(item => commits.add(item)))
    expect(results.map(result => result.status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  })

  test('an unknown outcome is told to everybody in the batch, and never run again by itself', async () => {
    const { batches, commits } = collecting(100, () => new Error('connection lost'))
    const results = await Promise.allSettled([1, 2].map(item => commits.add(item)))
    expect(results.map(result => result.status)).toEqual(['rejected', 'rejected'])
    expect(batches).toEqual([[1, 2]])
  })
})
