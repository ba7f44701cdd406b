import { randomUUID } from 'node:crypto'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { tap } from 'rxjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openRegistry } from '../../src/app/adapters.ts'
import { runWorkers } from '../../src/app/worker.ts'
import { runCheck } from '../../src/check/run-check.ts'
import { waitForQuiescence } from '../../src/check/wait-for-quiescence.ts'
import { startOrderSystem, type OrderSystem } from '../../src/cli/demo/system.ts'
import type { ShownLetter, TopologyLetters } from '../../src/cli/dlq-read.ts'
import { migrateServers } from '../../src/cli/migrate.ts'
import { AvroCodecs } from '../../src/codec/avro-codecs.ts'
import { systemClock } from '../../src/core/clock.ts'
import { silentLogger } from '../../src/core/log.ts'
import { createShopClient, isRecord } from '../../src/orders/client.ts'
import type { SettleReport } from '../../src/streams/dead-letters/settle.ts'
import type { Topology } from '../../src/streams/dsl/index.ts'
import { orders } from '../../topology/orders.ts'
import { sluice } from './support/sluice.ts'
import { checkTargets, stackConfig } from './support/system.ts'

// Orders that a faulty version of the flow parks, in three steps and from three kinds of topics; mended, retried, audited.

const sku = `dlq-${randomUUID().slice(0, 8)}`
const faultySteps = ['read-order', 'examine-order', 'sell-or-release'] as const

const printed = async (...args: readonly string[]): Promise<unknown> =>
  JSON.parse(String(await sluice([...args, '--json'])))

/** The same graph, whose steps throw at one order each. */
const faulty = (topology: Topology, orderIds: readonly string[]): Topology => ({
  ...topology,
  subTopologies: topology.subTopologies.map(part => ({
    ...part,
    nodes: part.nodes.map(node => {
      const orderId = orderIds[faultySteps.findIndex(step => step === node.name)]
      if (node.kind !== 'processor' || orderId === undefined) return node
      const refuse = (message: { readonly key: unknown }): void => {
        if (message.key === orderId) throw new TypeError(`${node.name} cannot read it`)
      }
      const bind: typeof node.step.bind = (...context) => {
        const operator = node.step.bind(...context)
        return source$ => operator(source$.pipe(tap<never>(refuse)))
      }
      return { ...node, step: { ...node.step, bind } }
    }),
  })),
})

describe('orders that were parked', () => {
  const shop = createShopClient({ apiUrl: stackConfig.apiUrl, clock: systemClock, retryForMs: 60_000 })
  let system: OrderSystem

  beforeAll(async () => {
    await migrateServers(stackConfig, 1)
    const logFolder = await mkdtemp(join(tmpdir(), 'sluice-dlq-'))
    system = startOrderSystem({ config: stackConfig, logFolder, clock: systemClock, instances: ['a'] })
    await system.ready()
  }, 240_000)
  afterAll(() => system?.stop())

  it('end once when they are retried, and the audit holds', { timeout: 10 * 60_000 }, async () => {
    await shop({
      method: 'POST',
      path: `/stock/${sku}/adjustments`,
      body: { quantity: 100, reason: 'initial' },
      idempotencyKey: `initial-${sku}`,
    })
    const stock = async (): Promise<number> => (await shop({ method: 'GET', path: `/stock/${sku}` })).status
    await expect.poll(stock, { timeout: 120_000 }).toBe(200)
    await waitForQuiescence({ ...checkTargets, timeoutMs: 180_000 })
    await system.processes.get('worker-a')?.stop()

    const orderIds: string[] = []
    for (const step of [...faultySteps, 'none']) {
      const { status, body } = await shop({
        method: 'POST',
        path: '/orders',
        body: { customerId: 'c-1', lines: [{ sku, quantity: 2, unitPriceMinor: 250 }] },
        idempotencyKey: `${sku}-${step}`,
      })
      expect(status).toBe(201)
      orderIds.push(isRecord(body) ? String(body['id']) : '')
    }
    const list = async (...more: readonly string[]): Promise<TopologyLetters> =>
      ((await printed('dlq', 'list', 'orders', ...more)) as TopologyLetters[])[0] as TopologyLetters
    const { open: before, dropped: droppedBefore } = await list()

    const stop = new AbortController()
    const topologies = [faulty(orders, orderIds)]
    const running = runWorkers({
      topologies,
      config: stackConfig,
      instanceId: 'faulty',
      effects: {},
      log: silentLogger,
      signal: stop.signal,
    })
    await expect.poll(async () => (await list()).open - before, { timeout: 120_000 }).toBe(faultySteps.length)
    stop.abort(new Error('stopped by the test'))
    await running
    system.restart('worker-a')

    const { letters, groups } = await list('--code', 'SLUICE_STREAMS_STEP_THREW')
    expect(groups.map(({ step, topic }) => `${step} on ${topic}`).toSorted()).toEqual([
      'examine-order on order-created',
      'read-order on shop.public.outbox_event',
      // Which of its parts completes an order depends on who comes last.
      expect.stringMatching(/^sell-or-release on (orders-line-decisions-repartition|order-validated)$/),
    ])
    const examined = letters.find(({ step }) => step === 'examine-order')?.id ?? ''
    const shown = (await printed('dlq', 'show', examined)) as ShownLetter
    expect(shown).toMatchObject({
      exception: 'TypeError: examine-order cannot read it',
      key: { text: orderIds[1] },
      value: { value: { orderId: orderIds[1] } },
    })
    const raw = await sluice(['dlq', 'show', examined, '--raw'])
    const codecs = new AvroCodecs(openRegistry(stackConfig))
    await codecs.load(codecs.missingIds([raw]))
    expect(raw).toHaveLength(shown.value?.bytes ?? 0)
    expect(codecs.decodeAsWritten(raw)).toEqual(shown.value?.value)

    // Dropped by mistake, once; its id stays good for a retry.
    const drop = ['dlq', 'drop', examined, '--reason', 'by mistake', '--yes'] as const
    expect((await printed(...drop)) as SettleReport).toEqual({ done: [examined], refused: [] })
    await expect(printed(...drop)).rejects.toThrow(/SLUICE_DLQ_SETTLED/)
    const rest = await list()
    expect(rest).toMatchObject({ open: before + faultySteps.length - 1, dropped: droppedBefore + 1 })
    expect(rest.letters.map(letter => letter.id)).not.toContain(examined)
    expect(((await printed('dlq', 'show', examined)) as ShownLetter).status).toMatchObject({
      state: 'dropped',
      reason: 'by mistake',
    })

    expect((await printed('dlq', 'retry', examined)) as SettleReport).toEqual({
      done: [examined],
      refused: [],
    })
    await expect(printed('dlq', 'retry', examined)).rejects.toThrow(/SLUICE_DLQ_SETTLED/)
    const retried = (await printed('dlq', 'retry', '--all-matching', '--topology', 'orders')) as SettleReport
    expect(retried).toMatchObject({ refused: [] })
    expect(retried.done).toHaveLength(letters.length - 1)

    await waitForQuiescence({ ...checkTargets, timeoutMs: 180_000 })
    for (const orderId of orderIds) {
      const { body } = await shop({ method: 'GET', path: `/orders/${orderId}` })
      expect(body).toMatchObject({ status: 'confirmed' })
    }
    const report = await runCheck(checkTargets)
    expect(report.invariants.filter(({ ok }) => !ok)).toEqual([])
    expect(await list()).toMatchObject({ open: 0, matching: 0 })
  })
})
