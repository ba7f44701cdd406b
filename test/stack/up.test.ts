import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname } from 'node:path'
import { expect, it, onTestFinished, vi } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { stackDown } from '../../src/stack/down.ts'
import { requireSpace } from '../../src/stack/fetch-artifacts.ts'
import { layoutOf, type StackLayout } from '../../src/stack/layout.ts'
import { choosePorts } from '../../src/stack/ports.ts'
import { runningPid } from '../../src/stack/processes.ts'
import type { StackServer } from '../../src/stack/servers/server.ts'
import { stackStatus } from '../../src/stack/status.ts'
import type { StackProgress } from '../../src/stack/types.ts'
import { stackUp, type UpOptions, type UpResult } from '../../src/stack/up.ts'
import { rejection } from './support/error.ts'
import { temporaryFolder } from './support/folder.ts'
import { smallServer, type Conduct } from './support/servers.ts'

// Every test starts real processes, which takes its time on a busy machine.
vi.setConfig({ testTimeout: 60_000 })

interface Subject {
  readonly layout: StackLayout
  readonly servers: readonly StackServer[]
  readonly up: (options?: Partial<UpOptions>) => Promise<UpResult>
}

/** A stack of two small servers, the second of which may misbehave. */
const stackOf = (second: Conduct): Subject => {
  const environment = { SLUICE_CACHE_DIR: temporaryFolder() }
  const layout = layoutOf('small', environment, false)
  const servers = [smallServer('kafka', 'serves'), smallServer('registry', second)]
  onTestFinished(async () => void (await stackDown(layout, { clock: systemClock, servers })))
  const up = (options: Partial<UpOptions> = {}): Promise<UpResult> =>
    stackUp(layout, { environment, clock: systemClock, servers, ...options })
  return { layout, servers, up }
}

const pidsOf = ({ layout, servers }: Subject): (number | undefined)[] =>
  servers.map(({ name }) => runningPid(layout.pidFileOf(name)))

it('starts what does not run, and leaves what does', async () => {
  const subject = stackOf('serves')
  const progress: StackProgress[] = []
  const first = await subject.up({ report: step => progress.push(step) })
  expect(first.started).toEqual(['kafka', 'registry'])
  expect(progress.map(step => step.kind)).toEqual(['starting', 'ready', 'ready'])
  const pids = pidsOf(subject)
  expect(await subject.up()).toEqual({ urls: first.urls, started: [] })
  expect(pidsOf(subject)).toEqual(pids)
  expect(await stackStatus(subject.layout, subject.servers)).toMatchObject({
    running: true,
    urls: first.urls,
  })

  process.kill(pids[1] ?? 0, 'SIGKILL')
  await expect.poll(() => pidsOf(subject)[1], { timeout: 20_000 }).toBeUndefined()
  const status = await stackStatus(subject.layout, subject.servers)
  expect(status?.servers.map(({ state }) => state)).toEqual(['running', 'stopped'])
  expect((await subject.up()).started).toEqual(['registry'])
  expect(pidsOf(subject)[0]).toBe(pids[0])
})

it('remembers its ports after going down', async () => {
  const subject = stackOf('serves')
  const { urls } = await subject.up()
  const down = { clock: systemClock, servers: subject.servers }
  expect(await stackDown(subject.layout, down)).toEqual(['kafka', 'registry'])
  expect(await stackDown(subject.layout, down)).toEqual([])
  expect((await subject.up()).urls).toEqual(urls)
})

it('keeps data unless fresh', async () => {
  const subject = stackOf('serves')
  const { urls } = await subject.up()
  const file = subject.layout.dataOf('registry')
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, 'data')
  await stackDown(subject.layout, { clock: systemClock, servers: subject.servers })
  await subject.up()
  expect(file).toSatisfy(existsSync)
  const fresh = await subject.up({ fresh: true })
  expect(fresh).toEqual({ urls, started: ['kafka', 'registry'] })
  expect(file).not.toSatisfy(existsSync)
})

it('shows the log of a server that dies, and stops the others', async () => {
  const subject = stackOf('dies')
  const error = await rejection(subject.up())
  expect(error.code).toBe('SLUICE_STACK_SERVER_DIED')
  expect(error.message).toContain('registry')
  expect(error.message).toContain('cannot read my settings')
  expect(error.remedy).toContain(subject.layout.logFileOf('registry'))
  expect(pidsOf(subject)).toEqual([undefined, undefined])
})

it('names a port that is in use, and moves when told to', async () => {
  const subject = stackOf('serves')
  const { urls } = await subject.up()
  await stackDown(subject.layout, { clock: systemClock, servers: subject.servers })
  const port = Number(new URL(urls.registry).port)
  const other = createServer()
  await new Promise<void>(resolve => other.listen(port, '127.0.0.1', resolve))
  onTestFinished(() => void other.close())
  const error = await rejection(subject.up())
  expect(error.code).toBe('SLUICE_STACK_PORT_IN_USE')
  expect(error.message).toContain(`${port}`)
  expect(error.remedy).toContain('--port-base')
  expect(pidsOf(subject)).toEqual([undefined, undefined])
  const taken = new Set([Number(new URL(urls.api).port)])
  const { api: portBase } = await choosePorts(subject.layout.home, taken)
  const moved = await subject.up({ portBase })
  expect(moved.urls.api).toBe(`http://127.0.0.1:${portBase}`)
  expect((await subject.up()).urls).toEqual(moved.urls)
})

it('stops what it started when interrupted', async () => {
  const subject = stackOf('stays-silent')
  const controller = new AbortController()
  const error = await rejection(
    subject.up({
      signal: controller.signal,
      report: step => {
        if (step.kind === 'ready') controller.abort(new Error('SIGINT'))
      },
    }),
  )
  expect(error.code).toBe('SLUICE_STACK_INTERRUPTED')
  expect(pidsOf(subject)).toEqual([undefined, undefined])
})

it('starts once when called twice at a time', async () => {
  const subject = stackOf('serves')
  const both = await Promise.all([subject.up(), subject.up()])
  expect(both.flatMap(({ started }) => started)).toEqual(['kafka', 'registry'])
})

it('asks for disk space before it begins', () => {
  expect(() => requireSpace(temporaryFolder(), Number.MAX_SAFE_INTEGER)).toThrow('of free disk')
  expect(() => requireSpace(temporaryFolder(), 1)).not.toThrow()
})
