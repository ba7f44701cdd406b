import { messageOf, SluiceError } from '../core/errors.ts'
import { newRelayStatus, relaySettings } from './options.ts'
import type { RelayDependencies, RelayOptions, RelaySettings, RelayStatus } from './options.ts'
import { Publisher } from './publisher.ts'
import { runSession } from './session.ts'

const maxBackoffMs = 15_000
/** A Kafka transaction under way at a stop gets this long to end. */
const stopMs = 10_000

/**
 * Carries committed outbox rows to Kafka until the signal: each once, in commit order. Lost connections are made again.
 *
 * Rejects with what only a person can mend: `SLUICE_RELAY_FENCED`, `SLUICE_RELAY_SLOT_LOST`,
 * `SLUICE_RELAY_POSITION_OF_OTHER_SERVER`, `SLUICE_RELAY_PUBLICATION_MISSING`, `SLUICE_RELAY_POSTGRES_REFUSED`.
 *
 * @example await runRelay({ postgresUrl }, { kafka, codecs, clock, log, signal, instanceId: newId() })
 */
export const runRelay = async (options: RelayOptions, dependencies: RelayDependencies): Promise<void> => {
  const settings = relaySettings(options)
  await supervise(settings, dependencies, async (publisher, status) => {
    await runSession(settings, dependencies, publisher, status)
  })
}

/** Runs a session again and again until it returns, the signal comes, or an error says stop. */
export const supervise = async (
  settings: RelaySettings,
  dependencies: RelayDependencies,
  session: (publisher: Publisher, status: RelayStatus) => Promise<void>,
): Promise<void> => {
  const { clock, signal } = dependencies
  const status = dependencies.status ?? newRelayStatus()
  const publisher = new Publisher(settings, dependencies, status)
  const stopped = new AbortController()
  const onAbort = (): void => {
    clock.sleep(stopMs, stopped.signal).then(
      () => publisher.close(),
      () => {},
    )
  }
  signal.addEventListener('abort', onAbort)
  try {
    for (let failures = 0; !signal.aborted;) {
      const sentBefore = status.kafkaTransactions
      try {
        await session(publisher, status)
        break
      } catch (error) {
        if (signal.aborted) break
        if (mustStop(error)) throw error
        // One that got somewhere begins the waits anew; a claim alone is no progress.
        failures = status.kafkaTransactions > sentBefore + 1 ? 1 : failures + 1
        await waitAfter(error, failures, settings, dependencies, status)
      }
    }
    status.state = 'stopped'
  } catch (error) {
    status.state = 'failed'
    status.lastError = messageOf(error)
    throw error
  } finally {
    signal.removeEventListener('abort', onAbort)
    stopped.abort(new Error('the relay has stopped'))
    await publisher.close()
  }
}

const mustStop = (error: unknown): boolean => !(error instanceof SluiceError) || error.reaction === 'stop'

const waitAfter = async (
  failure: unknown,
  failures: number,
  settings: RelaySettings,
  { clock, log, signal }: RelayDependencies,
  status: RelayStatus,
): Promise<void> => {
  const waitMs = Math.min(maxBackoffMs, settings.backoffMs * 2 ** Math.min(failures - 1, 10))
  status.state = 'waiting'
  status.restarts += 1
  status.lastError = messageOf(failure)
  log.warn({ error: messageOf(failure), waitMs }, 'the relay was interrupted and will go on')
  await clock.sleep(waitMs, signal).catch(() => {})
}
