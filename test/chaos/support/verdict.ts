import { Client } from 'pg'
import { openCassandra } from '../../../src/app/adapters.ts'
import type { ServerConfig } from '../../../src/app/adapters.ts'
import type { Cassandra } from '../../../src/cassandra/client.ts'
import { runCheck } from '../../../src/check/run-check.ts'
import { waitForQuiescence } from '../../../src/check/wait-for-quiescence.ts'
import { checkTargetsOf } from '../../../src/cli/check-system.ts'
import type { Clock } from '../../../src/core/clock.ts'
import { messageOf } from '../../../src/core/errors.ts'
import { compareAnswers } from './compare.ts'
import type { AdjustmentRow, OrderRow } from './compare.ts'
import type { Load } from './load.ts'

/** What was compared once everything had come to rest, and what did not agree. */
export interface Verdict {
  readonly ok: boolean
  readonly violations: readonly string[]
  /** How many comparisons were made, by what was compared. */
  readonly compared: Readonly<Record<string, number>>
  /** Until the last answer had come, the last order had ended and the last dead request was given back. */
  readonly settlingMs: number
  readonly checkingMs: number
}

export interface VerdictOptions {
  readonly config: ServerConfig
  readonly apiUrl: string
  readonly load: Load
  readonly clock: Clock
  /** How long it may take until everything rests. Default 120,000. */
  readonly patienceMs?: number
}

const within = async (work: Promise<void>, ms: number, clock: Clock, what: string): Promise<void> => {
  const over = new AbortController()
  const late = clock.sleep(ms, over.signal).then(() => {
    throw new Error(`${what} after ${Math.round(ms / 1_000)} s`)
  })
  try {
    await Promise.race([work, late])
  } finally {
    over.abort(new Error('no longer waited for'))
    await late.catch(() => {})
  }
}

/** Requests that died are the reaper's: none may be left that it has not dealt with. */
const untilReaped = async (cassandra: Cassandra, clock: Clock): Promise<void> => {
  const query = 'SELECT order_id FROM reservation_intent LIMIT 1'
  while ((await cassandra.read({ query, params: [] }, 'quorum')).length > 0) await clock.sleep(200)
}

/** What counts as under way for ever adds up, until the service takes no more. */
const untilNothingIsInFlight = async (apiUrl: string, clock: Clock): Promise<void> => {
  const isIdle = async (): Promise<boolean> => {
    const metrics = await fetch(new URL('/metrics', apiUrl)).then(response => response.text())
    return /^sluice_http_requests_in_flight 0$/m.test(metrics)
  }
  while (!(await isIdle().catch(() => false))) await clock.sleep(200)
}

const rest = async ({ config, apiUrl, load, clock, patienceMs = 120_000 }: VerdictOptions): Promise<void> => {
  await within(load.pause(), patienceMs, clock, 'requests were still without an answer')
  await within(
    untilNothingIsInFlight(apiUrl, clock),
    patienceMs,
    clock,
    'the service still counted requests as under way, all of which had been answered,',
  )
  const cassandra = await openCassandra(config)
  try {
    await within(
      untilReaped(cassandra, clock),
      patienceMs,
      clock,
      'intents of dead requests were still there',
    )
  } finally {
    await cassandra.close()
  }
  await waitForQuiescence({ ...checkTargetsOf(config), timeoutMs: patienceMs })
}

const readAnswers = async (
  postgresUrl: string,
  run: string,
): Promise<{ readonly orders: readonly OrderRow[]; readonly adjustments: readonly AdjustmentRow[] }> => {
  const client = new Client({ connectionString: postgresUrl })
  await client.connect()
  try {
    const orders = await client.query<OrderRow>(
      `SELECT id, customer_id AS "customerId", status, lines FROM orders WHERE starts_with(customer_id, $1)`,
      [`${run}:`],
    )
    const adjustments = await client.query<AdjustmentRow>(
      `SELECT id, sku, quantity::int AS quantity FROM stock_adjustment WHERE starts_with(sku, $1)`,
      [`${run}-`],
    )
    return { orders: orders.rows, adjustments: adjustments.rows }
  } finally {
    await client.end()
  }
}

/**
 * Pauses the load, waits until everything has come to rest, and compares: every answer with Postgres, and by the audit Postgres,
 * Cassandra and the log with each other. The load stays paused.
 *
 * @example const { ok, violations } = await passVerdict({ config, apiUrl, load, clock: systemClock }); load.resume()
 */
export const passVerdict = async (options: VerdictOptions): Promise<Verdict> => {
  const { config, load, clock } = options
  const startedAt = clock.now()
  try {
    await rest(options)
  } catch (error) {
    const settlingMs = clock.now() - startedAt
    return {
      ok: false,
      violations: [`no rest: ${messageOf(error)}`],
      compared: {},
      settlingMs,
      checkingMs: 0,
    }
  }
  const restedAt = clock.now()
  const answers = compareAnswers(load.record, await readAnswers(config.postgresUrl, load.shop.run))
  // All that died has been given back by now: what is held for nobody is a violation, however young.
  const audit = await runCheck({ ...checkTargetsOf(config), orphanGraceMs: 0 })
  const violations = [
    ...answers.violations,
    ...audit.invariants.flatMap(({ id, ok, violations, violationCount, compared }) => [
      ...violations.map(({ subject, message }) => `${id} ${JSON.stringify(subject)}: ${message}`),
      ...(violationCount > violations.length ? [`${id}: ${violationCount - violations.length} more`] : []),
      ...(ok || violationCount > 0 ? [] : [`${id}: ${compared} comparisons show nothing`]),
    ]),
  ]
  return {
    ok: violations.length === 0,
    violations,
    compared: {
      ...answers.compared,
      ...Object.fromEntries(audit.invariants.map(({ id, title, compared }) => [`${id} ${title}`, compared])),
    },
    settlingMs: restedAt - startedAt,
    checkingMs: clock.now() - restedAt,
  }
}
