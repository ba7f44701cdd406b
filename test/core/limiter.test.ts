import { expect, test } from 'vitest'
import { createLimiter } from '../../src/core/limited.ts'

test('what waits too long is given up without being run, and leaves its place to the next', async () => {
  const limited = createLimiter(1, { afterMs: 1, error: () => new Error('waited in vain') })
  const gate = Promise.withResolvers<string>()
  const ran: string[] = []
  const first = limited(() => gate.promise)
  const second = limited(async () => ran.push('second'))
  await expect(second).rejects.toThrow('waited in vain')
  gate.resolve('first')
  expect(await first).toBe('first')
  expect(await limited(async () => ran.push('third'))).toBe(1)
  expect(ran).toEqual(['third'])
})
