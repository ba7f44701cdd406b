import { systemClock, type Clock } from '../core/clock.ts'
import type { Evidence } from './evidence.ts'
import { makeInterner } from './interner.ts'
import { invariants } from './invariants/all.ts'
import type { InvariantOptions } from './invariants/types.ts'
import { Brokers } from './log/brokers.ts'
import { readLog } from './log/read-log.ts'
import { readCassandra } from './read-cassandra.ts'
import { readPostgres } from './read-postgres.ts'
import type { CheckProgress, CheckReport, CheckTargets } from './types.ts'

export interface CheckOptions extends CheckTargets, Partial<InvariantOptions> {
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: CheckProgress) => void
  readonly clock?: Clock
}

/** Above the reaper's patience: what it should have given back by now is a violation. */
const defaultOrphanGraceMs = 120_000

/** Reads everything the invariants compare; the three sources at the same time. */
export const gatherEvidence = async (options: CheckOptions): Promise<Evidence> => {
  const intern = makeInterner()
  const clock = options.clock ?? systemClock
  // The first source to fail ends the other two.
  const failure = new AbortController()
  const signal = AbortSignal.any([failure.signal, ...(options.signal === undefined ? [] : [options.signal])])
  const report = (phase: CheckProgress['phase']) => (done: number) => options.onProgress?.({ phase, done })
  const brokers = new Brokers(options.kafka)
  const reading = [
    readPostgres(options.postgres, { intern, signal, onRows: report('postgres') }),
    readCassandra(options, { intern, signal, onRows: report('cassandra') }),
    readLog(brokers, options.registry, {
      intern,
      signal,
      topicPrefix: options.topicPrefix ?? '',
      onRecords: report('log'),
    }),
  ] as const
  for (const source of reading) source.catch((error: unknown) => failure.abort(error))
  try {
    const [postgres, cassandra, log] = await Promise.all(reading)
    return { takenAtMs: clock.now(), ...postgres, ...cassandra, log }
  } finally {
    await Promise.allSettled(reading)
    await brokers.close()
  }
}

/** Applies every invariant to evidence already gathered. */
export const judge = (
  evidence: Evidence,
  options: Partial<InvariantOptions> = {},
): CheckReport['invariants'] => {
  const { allowOpen = false, orphanGraceMs = defaultOrphanGraceMs } = options
  return invariants.map(check => check(evidence, { allowOpen, orphanGraceMs }))
}

/**
 * The audit: reads Postgres, Cassandra and the raw log with clients of its own, and compares them.
 * Meant for a quiet system (`waitForQuiescence`); rejects when a server cannot be read.
 *
 * @example const { ok, invariants } = await runCheck(stackUrls)
 */
export const runCheck = async (options: CheckOptions): Promise<CheckReport> => {
  const clock = options.clock ?? systemClock
  const startedAtMs = clock.now()
  const evidence = await gatherEvidence(options)
  const results = judge(evidence, options)
  options.onProgress?.({ phase: 'invariants', done: results.length })
  return { ok: results.every(({ ok }) => ok), invariants: results, durationMs: clock.now() - startedAtMs }
}
