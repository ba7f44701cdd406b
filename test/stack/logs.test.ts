import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { expect, it, vi } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { layoutOf, type StackLayout } from '../../src/stack/layout.ts'
import { serverNamed, stackLogs } from '../../src/stack/logs.ts'
import { rejection } from './support/error.ts'
import { temporaryFolder } from './support/folder.ts'

// Two waits of up to 20 s each.
vi.setConfig({ testTimeout: 60_000 })

const layoutWithLogs = (kafka: string): StackLayout => {
  const layout = layoutOf('a', { SLUICE_CACHE_DIR: temporaryFolder() }, false)
  mkdirSync(dirname(layout.logFileOf('kafka')), { recursive: true })
  writeFileSync(layout.logFileOf('kafka'), kafka)
  return layout
}

it('passes on the last lines', async () => {
  const lines: string[] = []
  const layout = layoutWithLogs('one\ntwo\nthree\n')
  await stackLogs(layout, ['kafka', 'registry'], { lines: 2 }, (server, line) =>
    lines.push(`${server} ${line}`),
  )
  expect(lines).toEqual(['kafka two', 'kafka three'])
})

it('follows line by line, across pieces of lines', async () => {
  const lines: string[] = []
  const layout = layoutWithLogs('one\n')
  const controller = new AbortController()
  const follow = { clock: systemClock, signal: controller.signal }
  const done = stackLogs(layout, ['kafka'], { lines: 1, follow }, (_server, line) => lines.push(line))
  const file = layout.logFileOf('kafka')
  appendFileSync(file, 'two\nthr')
  await vi.waitFor(() => expect(lines).toEqual(['one', 'two']), { timeout: 20_000 })
  appendFileSync(file, 'ee\n')
  await vi.waitFor(() => expect(lines).toEqual(['one', 'two', 'three']), { timeout: 20_000 })
  controller.abort()
  await done
})

it('names the servers it knows', () => {
  expect(serverNamed('kafka')).toBe('kafka')
  expect(() => serverNamed('zookeeper')).toThrow("no server 'zookeeper'")
})

it('says when a stack never ran', async () => {
  const layout = layoutOf('a', { SLUICE_CACHE_DIR: temporaryFolder() }, false)
  const error = await rejection(stackLogs(layout, ['kafka'], { lines: 1 }, () => {}))
  expect(error.code).toBe('SLUICE_STACK_NO_LOGS')
})
