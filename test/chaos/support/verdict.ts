import { Client } from 'pg'
import { runCheck } from '../../../src/check/run-check.ts'
import { checkTargetsOf } from '../../../src/cli/check-system.ts'
import { messageOf } from '../../../src/core/errors.ts'
import { compareAnswers } from './compare.ts'
import type { AdjustmentRow, OrderRow } from './compare.ts'
import { comeToRest, type RestOptions, type Settling } from './rest.ts'

/** What was compared once everything had come to rest, and what did not agree. */
export interface Verdict {
  readonly ok: boolean
  readonly violations: readonly string[]
  /** How many comparisons were made, by what was compared. */
  readonly compared: Readonly<Record<string, number>>
  /** Until the last answer had come, the last order had ended and the last dead request was given back. */
  readonly settlingMs: number
  /** How long each kind of work was still under way then. */
  readonly settling: Settling
  readonly checkingMs: number
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
export const passVerdict = async (options: RestOptions): Promise<Verdict> => {
  const { config, load, clock } = options
  const startedAt = clock.now()
  let settling: Settling
  try {
    settling = await comeToRest(options)
  } catch (error) {
    const settlingMs = clock.now() - startedAt
    return {
      ok: false,
      violations: [`no rest: ${messageOf(error)}`],
      compared: {},
      settlingMs,
      settling: {},
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
    settling,
    checkingMs: clock.now() - restedAt,
  }
}
