import { serverSettings } from '../app/adapters.ts'
import type { ServerConfig } from '../app/adapters.ts'
import { runCheck } from '../check/run-check.ts'
import type { CheckReport, CheckTargets } from '../check/types.ts'
import { waitForQuiescence } from '../check/wait-for-quiescence.ts'
import type { Unrest } from '../check/wait-for-quiescence.ts'
import { formatCount } from './format.ts'
import { createProgress } from './progress.ts'
import { loadSettings } from './settings.ts'

/** Audits the system that the settings name, after waiting for quiet when `wait` (seconds) is given. */
export const checkSystem = async (options: { readonly wait?: number }): Promise<CheckReport> => {
  const targets = checkTargetsOf(await loadSettings(serverSettings))
  const progress = createProgress()
  try {
    if (options.wait !== undefined) {
      const timeoutMs = options.wait * 1_000
      const onProgress = (unrest: Unrest): void => progress.update(() => renderUnrest(unrest))
      await waitForQuiescence({ ...targets, timeoutMs, onProgress })
    }
    return await runCheck({
      ...targets,
      onProgress: ({ phase, done }) => progress.update(() => `reading ${phase}: ${formatCount(done)}`),
    })
  } finally {
    progress.end()
  }
}

/** The settings as the audit takes them: it parses addresses itself, to share no code with what it audits. */
export const checkTargetsOf = (config: ServerConfig): CheckTargets => ({
  postgres: config.postgresUrl,
  kafka: config.kafkaBrokers.join(','),
  cassandra: config.cassandraContactPoints.join(','),
  datacenter: config.cassandraDatacenter,
  registry: config.registryUrl,
  keyspace: config.keyspace,
})

/** What is still under way, in one line. */
export const renderUnrest = ({ openOrders, outboxRows, lag }: Unrest): string =>
  [
    `${formatCount(openOrders)} orders open`,
    `${formatCount(outboxRows)} outbox rows to send`,
    ...Object.entries(lag).map(([group, records]) => `${group} ${formatCount(records)} behind`),
  ].join(', ')
