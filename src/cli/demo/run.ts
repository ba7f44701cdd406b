import { join, resolve } from 'node:path'
import { runCheck } from '../../check/run-check.ts'
import { waitForQuiescence } from '../../check/wait-for-quiescence.ts'
import type { CheckReport } from '../../check/types.ts'
import { systemClock } from '../../core/clock.ts'
import { SluiceError } from '../../core/errors.ts'
import { newId } from '../../core/ids.ts'
import { createRandom } from '../../core/random.ts'
import { createShopClient } from '../../orders/client.ts'
import { stockUp } from '../../orders/import/initial-stock.ts'
import { checkTargetsOf, renderUnrest } from '../check-system.ts'
import { migrateServers } from '../migrate.ts'
import { createProgress } from '../progress.ts'
import type { Progress } from '../progress.ts'
import { stopSignal } from '../until-stopped.ts'
import { demoOrders, demoSkus } from './orders.ts'
import { isReady, whileAlive } from './processes.ts'
import { renderFlow } from './render.ts'
import { nothingSent, sendOrders } from './send.ts'
import type { SentOrders } from './send.ts'
import { provideServers } from './servers.ts'
import type { DemoServers } from './servers.ts'
import { startOrderSystem } from './system.ts'
import type { OrderSystem } from './system.ts'
import { watchFlow } from './watch.ts'

/** How a demonstration is run. */
export interface DemoOptions {
  readonly orders: number
  readonly keep: boolean
  readonly seed: number
}

/** What happened. */
export interface DemoResult {
  readonly ok: boolean
  /** What was not as it should be, one sentence each. */
  readonly faults: readonly string[]
  readonly answers: SentOrders
  /** Accepted orders by where they ended. */
  readonly ends: Readonly<Record<string, number>>
  /** From the first order sent to the last answer. */
  readonly sendingMs: number
  /** From the last answer to the last order's end. */
  readonly settlingMs: number
  readonly totalMs: number
  readonly check: CheckReport
  readonly logFolder: string
  /** What is left running with `--keep`. */
  readonly left:
    { readonly urls: Readonly<Record<string, string>>; readonly pids: readonly number[] } | undefined
}

const ordersInFlight = 16
const quietWithinMs = 120_000

/** Runs the whole system once, from servers to audit; see `sluice demo --help`. */
export const runDemo = async (options: DemoOptions): Promise<DemoResult> => {
  const startedAt = systemClock.now()
  const signal = stopSignal()
  const progress = createProgress()
  const servers = await provideServers(process.env, systemClock, signal)
  let system: OrderSystem | undefined
  let isLeft = false
  try {
    await refuseSecondService(servers.config.apiUrl)
    progress.update('creating tables, topics and schemas')
    await migrateServers(servers.config, 1, text => progress.update(text))
    const run = newId().slice(-8)
    const logFolder = resolve(join('.sluice', `demo-${run}`))
    progress.update('starting order service, relay and two workers')
    system = startOrderSystem({ config: servers.config, logFolder, clock: systemClock })
    await system.ready()
    const story = await tell(options, { servers, system, progress, signal, run })
    isLeft = options.keep
    return {
      ...story,
      totalMs: systemClock.now() - startedAt,
      logFolder,
      left: isLeft ? leave(servers, system) : undefined,
    }
  } finally {
    progress.end()
    if (!isLeft) {
      await system?.stop()
      await servers.release()
    }
  }
}

interface Stage {
  readonly servers: DemoServers
  readonly system: OrderSystem
  readonly progress: Progress
  readonly signal: AbortSignal
  /** Makes SKUs and keys of this run its own. */
  readonly run: string
}

type Story = Omit<DemoResult, 'totalMs' | 'logFolder' | 'left'>

const tell = async (
  options: DemoOptions,
  { servers, system, progress, signal, run }: Stage,
): Promise<Story> => {
  const random = createRandom(options.seed)
  const shop = createShopClient({
    apiUrl: system.apiUrl,
    clock: systemClock,
    random: createRandom(options.seed + 1),
  })
  const skus = demoSkus(run, options.orders)
  await stockUp({
    stock: skus,
    inFlight: ordersInFlight,
    keyPrefix: `demo:${run}`,
    shop,
    clock: systemClock,
    signal,
    onProgress: ({ phase, done, total }) => {
      system.assertRunning()
      progress.update(`${phase}: ${done} of ${total} SKUs`)
    },
  })

  const watch = await watchFlow(servers.config, systemClock)
  try {
    let answers = nothingSent
    const show = (): void => progress.update(() => renderFlow(answers, options.orders, watch.latest()))
    const sendingAt = systemClock.now()
    answers = await whileAlive(
      () => system.assertRunning(),
      systemClock,
      over =>
        sendOrders(shop, demoOrders(skus, options.orders, random), {
          inFlight: ordersInFlight,
          run,
          signal: AbortSignal.any([signal, over]),
          onAnswer: soFar => {
            answers = soFar
            show()
          },
        }),
    )
    const sentAt = systemClock.now()
    await waitForQuiescence({
      ...checkTargetsOf(servers.config),
      timeoutMs: quietWithinMs,
      signal,
      onProgress: unrest => {
        system.assertRunning()
        progress.update(() => `waiting for every order's end: ${renderUnrest(unrest)}`)
      },
    })
    const settledAt = systemClock.now()
    const { orders: ends } = await watch.look()
    const check = await runCheck({
      ...checkTargetsOf(servers.config),
      signal,
      onProgress: ({ phase, done }) => progress.update(`checking: ${phase} ${done}`),
    })
    const faults = faultsOf(answers, ends, check)
    return {
      ok: faults.length === 0,
      faults,
      answers,
      ends,
      check,
      sendingMs: sentAt - sendingAt,
      settlingMs: settledAt - sentAt,
    }
  } finally {
    await watch.stop()
  }
}

const faultsOf = (answers: SentOrders, ends: DemoResult['ends'], check: CheckReport): string[] => {
  const ended = (ends['confirmed'] ?? 0) + (ends['rejected'] ?? 0)
  return [
    ...Object.entries(answers.unexpected).map(([answer, count]) => `${count} orders were answered ${answer}`),
    ...(ended === answers.accepted
      ? []
      : [`${answers.accepted} orders were accepted, but ${ended} have ended`]),
    ...(check.ok ? [] : ['the check found what must not be']),
  ]
}

const refuseSecondService = async (apiUrl: string): Promise<void> => {
  if (!(await isReady(apiUrl))) return
  throw new SluiceError({
    code: 'SLUICE_DEMO_SERVICE_RUNNING',
    message: `an order service is already running at ${apiUrl}`,
    remedy:
      'stop it first (after `demo --keep`: the kill command it printed), or set SLUICE_API_URL to a free port',
  })
}

const leave = ({ config }: DemoServers, system: OrderSystem): NonNullable<DemoResult['left']> => {
  const processes = [...system.processes.values()]
  for (const process of processes) process.leave()
  return {
    urls: {
      api: config.apiUrl,
      docs: `${config.apiUrl}/docs`,
      metrics: `${config.apiUrl}/metrics`,
      postgres: config.postgresUrl,
      kafka: config.kafkaBrokers.join(','),
      cassandra: config.cassandraContactPoints.join(','),
      registry: config.registryUrl,
    },
    pids: processes.map(({ pid }) => pid),
  }
}
