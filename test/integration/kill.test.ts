import { randomUUID } from 'node:crypto'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCheck } from '../../src/check/run-check.ts'
import { waitForQuiescence } from '../../src/check/wait-for-quiescence.ts'
import type { OrderSystem } from '../../src/cli/demo/system.ts'
import { systemClock } from '../../src/core/clock.ts'
import { createShopClient, isRecord, type Reply, type ShopClient } from '../../src/orders/client.ts'
import { topicOf } from '../../src/check/evidence.ts'
import { decodeTopics, preparePeer } from './support/peer.ts'
import { checkTargets, stackConfig, startSystem } from './support/system.ts'

// Every process is killed (-9) once while orders flow through it; clients repeat what they got no answer to.

const orderCount = 240
const inFlight = 12
const skus = Array.from({ length: 15 }, () => `kill-${randomUUID().slice(0, 8)}`)
const scarce = skus.slice(0, 3)

const stockUp = async (shop: ShopClient): Promise<void> => {
  for (const sku of skus) {
    const quantity = scarce.includes(sku) ? 20 : 10_000
    const reply = await shop({
      method: 'POST',
      path: `/stock/${sku}/adjustments`,
      body: { quantity, reason: 'initial' },
      idempotencyKey: `initial-${sku}`,
    })
    expect(reply.status).toBe(202)
  }
  for (const sku of skus) {
    await expect
      .poll(async () => (await shop({ method: 'GET', path: `/stock/${sku}` })).status, { timeout: 60_000 })
      .toBe(200)
  }
}

/** The order of a number: the same each time it is asked for, so that a repeated request has the same body. */
const orderOf = (number: number) => ({
  customerId: `customer-${number % 10}`,
  lines: [number, number * 7 + 1, number * 3 + 2]
    .map(seed => skus[seed % skus.length] as string)
    .filter((sku, index, all) => all.indexOf(sku) === index)
    .map((sku, index) => ({ sku, quantity: 1 + ((number + index) % 3), unitPriceMinor: 250 })),
})

const peer = await preparePeer()
const reason = 'missing' in peer ? ` (skipped: ${peer.missing})` : ''
const python = 'python' in peer ? peer.python : ''

describe('kill -9 in mid-flow', () => {
  let system: OrderSystem
  const shop = createShopClient({ apiUrl: stackConfig.apiUrl, clock: systemClock, retryForMs: 180_000 })

  beforeAll(async () => {
    system = await startSystem()
  })
  afterAll(() => system?.stop())

  it('loses no order, doubles none, and leaves every book balanced', { timeout: 10 * 60_000 }, async () => {
    await stockUp(shop)
    const kill = async (name: string): Promise<void> => {
      await system.processes.get(name)?.stop('SIGKILL')
      system.restart(name)
    }
    // By the number of answers, not by the clock: each kill falls into the middle of the load.
    const kills = new Map([
      [40, 'serve'],
      [80, 'worker-a'],
      [120, 'relay'],
      [160, 'worker-b'],
      [190, 'serve'],
    ])
    const replies: Reply[] = []
    const killed: Promise<void>[] = []
    let next = 0
    const client = async (): Promise<void> => {
      while (next < orderCount) {
        const number = next++
        const reply = await shop({
          method: 'POST',
          path: '/orders',
          body: orderOf(number),
          idempotencyKey: `kill-${skus[0]}-${number}`,
        })
        replies.push(reply)
        const victim = kills.get(replies.length)
        if (victim !== undefined) killed.push(kill(victim))
      }
    }
    await Promise.all(Array.from({ length: inFlight }, client))
    await Promise.all(killed)

    expect(killed).toHaveLength(kills.size)
    const statuses = Map.groupBy(replies, reply => reply.status)
    expect([...statuses.keys()].toSorted((one, other) => one - other)).toEqual([201, 400])
    const accepted = (statuses.get(201) ?? []).map(({ body }) => (isRecord(body) ? String(body['id']) : ''))
    expect(new Set(accepted).size).toBe(accepted.length)

    await waitForQuiescence({ ...checkTargets, timeoutMs: 180_000 })
    const postgres = new Client({ connectionString: stackConfig.postgresUrl })
    await postgres.connect()
    const { rows } = await postgres.query<{ status: string; count: number }>(
      'SELECT status, count(*)::int AS count FROM orders WHERE id = ANY($1::uuid[]) GROUP BY status',
      [accepted],
    )
    await postgres.end()
    expect(rows).toEqual([{ status: 'confirmed', count: accepted.length }])

    const report = await runCheck(checkTargets)
    expect(report.invariants.filter(({ ok }) => !ok)).toEqual([])
  })

  it.skipIf(python === '')(
    `left nothing on any topic that Confluent's Python client cannot decode${reason}`,
    { timeout: 120_000 },
    async () => {
      const { kafka, registry } = checkTargets
      const internal = ['stock-ledger', 'stock-entries', 'outbox-events', 'order-gathering'].map(
        store => `orders-${store}-changelog`,
      )
      // Other tests fill topics of their own with what nobody can decode.
      const topics = [...Object.values(topicOf), 'orders-line-decisions-repartition', ...internal]
      const require = topics.filter(topic => topic !== topicOf.rejected)
      const decoded = await decodeTopics(python, { kafka, registry, topics, require })
      expect(decoded).toMatchObject({ ok: true, failures: 0, missing: [] })
    },
  )
})
