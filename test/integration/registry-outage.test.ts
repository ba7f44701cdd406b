import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Logger } from '../../src/core/log.ts'
import { startTcpFaultProxy } from '../../src/testing/index.ts'
import type { TcpFaultProxy } from '../../src/testing/index.ts'
import { openAccountPrograms } from './support/account-programs.ts'
import { releaseV1, totalV1 } from './support/account-releases.ts'
import { stack } from './support/stack.ts'

// A worker whose way to the registry is broken; its producers have one of their own.

let name: string
let programs: Awaited<ReturnType<typeof openAccountPrograms>>
let proxy: TcpFaultProxy
let registryUrl: string
let warnings: string[]

const log: Logger = {
  debug: () => {},
  info: () => {},
  warn: (details, message) =>
    void warnings.push(`${message}: ${'error' in details ? String(details.error) : ''}`),
  error: () => {},
}
const warned = async (pattern: RegExp): Promise<void> => {
  await expect.poll(() => warnings.join('\n'), { timeout: 30_000 }).toMatch(pattern)
}

beforeEach(async () => {
  warnings = []
  name = `outage-${randomUUID().slice(0, 8)}`
  programs = await openAccountPrograms(name)
  const url = new URL(stack.registry)
  proxy = await startTcpFaultProxy(url.host)
  url.host = proxy.address
  registryUrl = url.href
})
afterEach(async () => {
  await programs.close()
  await proxy.close()
})

const start = () => programs.start(releaseV1(name, new Set()), 'a', { registryUrl, log })

it('a worker waits at its start for a registry that is silent or away, and can be stopped meanwhile', async () => {
  proxy.setFrozen(true)
  const silent = start()
  await warned(/registering schemas failed; trying again: .* did not answer GET .*timeout/)
  await silent.stop()
  proxy.setFrozen(false)
  proxy.setDown(true)
  const { worker, hasTasks, stop } = start()
  await warned(/the schema registry at http:\S+ did not answer GET .*(ECONNRESET|ECONNREFUSED)/)
  expect(worker.status()).toMatchObject({ state: 'starting', tasks: [] })
  await programs.moveV1(1)
  proxy.setDown(false)
  await hasTasks(6)
  await programs.totalsAreRight(totalV1)
  await stop()
})

it('a worker goes on without the registry while it knows all schemas, and waits for one it does not', async () => {
  const { worker, hasTasks, stop } = start()
  await hasTasks(6)
  proxy.setDown(true)
  await programs.moveV1(10)
  await programs.totalsAreRight(totalV1)
  expect(warnings).toEqual([])

  await programs.moveV2(100)
  await warned(/loading schemas failed; trying again: .* did not answer GET \/schemas\/ids\/\d+/)
  expect(worker.status()).toMatchObject({ state: 'running', deadLetters: 0, skipped: 0 })
  proxy.setDown(false)
  await programs.totalsAreRight(totalV1)
  expect(worker.status()).toMatchObject({ deadLetters: 0, skipped: 0 })
  await stop()
})
