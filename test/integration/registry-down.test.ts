import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Client } from 'pg'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { runCheck } from '../../src/check/run-check.ts'
import { waitForQuiescence } from '../../src/check/wait-for-quiescence.ts'
import type { OrderSystem } from '../../src/cli/demo/system.ts'
import { systemClock } from '../../src/core/clock.ts'
import { connectKafka } from '../../src/kafka/platformatic.ts'
import { createShopClient, isRecord } from '../../src/orders/client.ts'
import { layoutOf } from '../../src/stack/layout.ts'
import { runningPid } from '../../src/stack/processes.ts'
import { stackUp } from '../../src/stack/up.ts'
import { deadLetterTopicName } from '../../src/streams/dsl/failures.ts'
import { topologies } from '../../topology/index.ts'
import { stack, stackName } from './support/stack.ts'
import { checkTargets, stackConfig, startSystem } from './support/system.ts'

// The registry of the stack stands still, then dies, while orders flow; relay and a worker are begun without it.

const layout = layoutOf(stackName, process.env)
const skus = Array.from({ length: 3 }, () => `registry-${randomUUID().slice(0, 8)}`)
const shop = createShopClient({ apiUrl: stackConfig.apiUrl, clock: systemClock, retryForMs: 120_000 })
let system: OrderSystem
let postgres: Client

const registryPid = (): number | undefined => runningPid(layout.pidFileOf('registry'))
const signalRegistry = (signal: NodeJS.Signals): void => {
  const pid = registryPid()
  if (pid !== undefined) process.kill(pid, signal)
}

beforeAll(async () => {
  system = await startSystem()
  postgres = new Client({ connectionString: stack.postgres })
  await postgres.connect()
})
afterEach(async () => {
  signalRegistry('SIGCONT')
  await stackUp(layout, { environment: process.env, clock: systemClock })
})
afterAll(async () => {
  await system?.stop()
  await postgres?.end()
})

const adjust = async (): Promise<void> => {
  for (const sku of skus) {
    const path = `/stock/${sku}/adjustments`
    const body = { quantity: 1_000, reason: 'initial' }
    expect((await shop({ method: 'POST', path, body, idempotencyKey: `initial-${sku}` })).status).toBe(202)
  }
  for (const sku of skus)
    await expect
      .poll(async () => (await shop({ method: 'GET', path: `/stock/${sku}` })).status, { timeout: 60_000 })
      .toBe(200)
}

let placed = 0
/** Orders that the service accepts, by their ids. */
const place = (count: number): Promise<readonly string[]> =>
  Promise.all(
    Array.from({ length: count }, async () => {
      const number = placed++
      const lines = skus.map((sku, index) => ({
        sku,
        quantity: 1 + ((number + index) % 3),
        unitPriceMinor: 5,
      }))
      const reply = await shop({
        method: 'POST',
        path: '/orders',
        body: { customerId: `customer-${number % 5}`, lines },
        idempotencyKey: `${skus[0]}-${number}`,
      })
      expect(reply.status).toBe(201)
      return isRecord(reply.body) ? String(reply.body['id']) : ''
    }),
  )

const areConfirmed = async (ids: readonly string[], timeoutMs: number): Promise<void> => {
  const look = async (): Promise<unknown> => {
    const { rows } = await postgres.query<{ status: string; count: number }>(
      'SELECT status, count(*)::int AS count FROM orders WHERE id = ANY($1::uuid[]) GROUP BY status',
      [ids],
    )
    return rows
  }
  await expect
    .poll(look, { timeout: timeoutMs, interval: 250 })
    .toEqual([{ status: 'confirmed', count: ids.length }])
}

const says = async (name: string, pattern: RegExp): Promise<void> => {
  const read = (): string => readFileSync(system.processes.get(name)?.logFile ?? '', 'utf8')
  await expect.poll(read, { timeout: 120_000, interval: 250 }).toMatch(pattern)
}

const deadLetters = async (): Promise<number> => {
  const kafka = connectKafka({ brokers: [stack.kafka], clientId: 'registry-down-test' })
  const admin = kafka.admin()
  try {
    const existing = await admin.listTopics()
    const topics = Object.values(topologies)
      .map(deadLetterTopicName)
      .filter(name => existing.includes(name))
    const described = await admin.describeTopics(topics)
    const all = described.flatMap(({ name, partitions }) =>
      Array.from({ length: partitions }, (_, partition) => ({ topic: name, partition })),
    )
    const ends = await admin.listOffsets(all, 'latest')
    return ends.reduce((sum, { offset }) => sum + offset, 0)
  } finally {
    await admin.close()
    await kafka.close()
  }
}

const restart = async (name: string): Promise<void> => {
  await system.processes.get(name)?.stop('SIGKILL')
  system.restart(name)
}

it('a registry that stands still, dies and comes back costs no order', { timeout: 10 * 60_000 }, async () => {
  await adjust()
  const lettersBefore = await deadLetters()
  await areConfirmed(await place(20), 60_000)

  signalRegistry('SIGSTOP')
  const known = await place(40)
  await areConfirmed(known, 60_000)

  await Promise.all([restart('relay'), restart('worker-a')])
  const waiting = place(20)
  await says('worker-a', /registering schemas failed; trying again/)
  await says('relay', /the relay was interrupted and will go on/)

  signalRegistry('SIGKILL')
  const orders = [...known, ...(await waiting), ...(await place(40))]
  await says('relay', /did not answer GET [^"]*\(connect ECONNREFUSED/)
  system.assertRunning()

  await stackUp(layout, { environment: process.env, clock: systemClock })
  await areConfirmed(orders, 90_000)
  await waitForQuiescence({ ...checkTargets, timeoutMs: 60_000 })
  system.assertRunning()
  expect(await deadLetters()).toBe(lettersBefore)
  const report = await runCheck(checkTargets)
  expect(report.invariants.filter(({ ok }) => !ok)).toEqual([])
})
