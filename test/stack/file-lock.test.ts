import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { withLock } from '../../src/stack/file-lock.ts'
import { temporaryFolder } from './support/folder.ts'

it('lets one in after the other, and says on whom it waits', async () => {
  const file = join(temporaryFolder(), 'some.lock')
  const entered: string[] = []
  const waited: number[] = []
  const gate = Promise.withResolvers<undefined>()
  const inside = Promise.withResolvers<undefined>()
  const options = { clock: systemClock, onWait: (pid: number) => waited.push(pid) }
  const first = withLock(file, options, async () => {
    entered.push('first')
    inside.resolve(undefined)
    await gate.promise
    entered.push('first leaves')
  })
  await inside.promise
  const second = withLock(
    file,
    { ...options, onWait: pid => (waited.push(pid), gate.resolve(undefined)) },
    () => {
      entered.push('second')
      return Promise.resolve()
    },
  )
  await Promise.all([first, second])
  expect(entered).toEqual(['first', 'first leaves', 'second'])
  expect(waited).toEqual([process.pid])
  expect(existsSync(file)).toBe(false)
})

it('takes over the lock of a process that is gone', async () => {
  const file = join(temporaryFolder(), 'some.lock')
  writeFileSync(file, JSON.stringify({ pid: process.pid, startTime: 'long ago' }))
  expect(await withLock(file, { clock: systemClock }, () => Promise.resolve('done'))).toBe('done')
})

it('stops waiting when aborted', async () => {
  const file = join(temporaryFolder(), 'some.lock')
  const controller = new AbortController()
  await withLock(file, { clock: systemClock }, async () => {
    const options = {
      clock: systemClock,
      signal: controller.signal,
      onWait: () => controller.abort(new Error('enough')),
    }
    await expect(withLock(file, options, () => Promise.resolve())).rejects.toThrow('enough')
    expect(existsSync(file)).toBe(true)
  })
})
