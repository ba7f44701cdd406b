import { openCassandra } from '../../../src/app/adapters.ts'
import type { ServerConfig } from '../../../src/app/adapters.ts'
import type { Cassandra } from '../../../src/cassandra/client.ts'
import { waitForQuiescence, type Unrest } from '../../../src/check/wait-for-quiescence.ts'
import { checkTargetsOf } from '../../../src/cli/check-system.ts'
import type { Clock } from '../../../src/core/clock.ts'
import type { Load } from './load.ts'

export interface RestOptions {
  readonly config: ServerConfig
  readonly apiUrl: string
  readonly load: Load
  readonly clock: Clock
  /** How long each kind of work may take to end. Default 120,000. */
  readonly patienceMs?: number
}

/** How long each kind of work was still under way, milliseconds. */
export type Settling = Readonly<Record<string, number>>

const pollIntervalMs = 200

/** Work is told by its signal that nobody waits for it any more. */
type Work = (signal: AbortSignal) => Promise<void>

const within = async (work: Work, ms: number, clock: Clock, what: string): Promise<void> => {
  const over = new AbortController()
  const late = clock.sleep(ms, over.signal).then(() => {
    throw new Error(`${what} after ${Math.round(ms / 1_000)} s`)
  })
  try {
    await Promise.race([work(over.signal), late])
  } finally {
    over.abort(new Error('no longer waited for'))
    await late.catch(() => {})
  }
}

/** What counts as under way for ever adds up, until the service takes no more. */
const untilNothingIsInFlight = async (apiUrl: string, clock: Clock, signal: AbortSignal): Promise<void> => {
  const isIdle = async (): Promise<boolean> => {
    const metrics = await fetch(new URL('/metrics', apiUrl)).then(response => response.text())
    return /^sluice_http_requests_in_flight 0$/m.test(metrics)
  }
  while (!signal.aborted && !(await isIdle().catch(() => false))) await clock.sleep(pollIntervalMs)
}

/** Requests that died are the reaper's: none may be left that it has not dealt with. */
const untilReaped = async (cassandra: Cassandra, clock: Clock, signal: AbortSignal): Promise<void> => {
  const query = 'SELECT order_id FROM reservation_intent LIMIT 1'
  const isReaped = async (): Promise<boolean> =>
    (await cassandra.read({ query, params: [] }, 'quorum')).length === 0
  while (!signal.aborted && !(await isReaped())) await clock.sleep(pollIntervalMs)
}

const underWay = ({ openOrders, outboxRows, lag }: Unrest): readonly string[] =>
  Object.entries({ 'open orders': openOrders, 'outbox rows': outboxRows, ...lag })
    .filter(([, count]) => count > 0)
    .map(([name]) => (Object.hasOwn(lag, name) ? `lag of ${name}` : name))

/**
 * Pauses the load and waits until nothing is under way: no request, no dead request, no order, no record. Rejects with what is left.
 *
 * @example const { 'lag of orders': lateMs } = await comeToRest({ config, apiUrl, load, clock: systemClock })
 */
export const comeToRest = async (options: RestOptions): Promise<Settling> => {
  const { config, apiUrl, load, clock, patienceMs = 120_000 } = options
  const settling: Record<string, number> = {}
  const stage = async (name: string, left: string, work: Work): Promise<void> => {
    const startedAt = clock.now()
    await within(work, patienceMs, clock, left)
    settling[name] = clock.now() - startedAt
  }
  await stage('answers', 'requests were still without an answer', () => load.pause())
  await stage(
    'in flight',
    'the service still counted requests as under way, all of which had been answered,',
    signal => untilNothingIsInFlight(apiUrl, clock, signal),
  )
  const cassandra = await openCassandra(config)
  try {
    await stage('intents', 'intents of dead requests were still there', signal =>
      untilReaped(cassandra, clock, signal),
    )
  } finally {
    await cassandra.close()
  }
  await waitForQuiescence({
    ...checkTargetsOf(config),
    timeoutMs: patienceMs,
    onProgress: unrest => {
      for (const name of underWay(unrest)) settling[name] = unrest.waitedMs
    },
  })
  return settling
}
