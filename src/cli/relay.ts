import { openKafka, openRegistry } from '../app/adapters.ts'
import { crashPointsOf } from '../app/crash-points.ts'
import { createLogger } from '../app/logger.ts'
import { newRelayStatus } from '../cdc/options.ts'
import type { RelayDependencies, RelayOptions } from '../cdc/options.ts'
import { positionText } from '../cdc/position.ts'
import type { PositionText } from '../cdc/position.ts'
import { runRelay } from '../cdc/relay.ts'
import { resync } from '../cdc/resync.ts'
import { AvroCodecs } from '../codec/avro-codecs.ts'
import { systemClock } from '../core/clock.ts'
import { newId } from '../core/ids.ts'
import { formatCount } from './format.ts'
import { loadSettings } from './settings.ts'
import { stopSignal } from './until-stopped.ts'

/** What a resync did. */
export interface ResyncResult {
  /** Rows of the table that were not on the topic. */
  readonly sent: number
  /** From where a relay goes on. */
  readonly position: PositionText | undefined
}

/** Carries outbox rows to Kafka until the process is told to stop; `pruneAfter` is in seconds. */
export const relay = (flags: { readonly pruneAfter?: number } = {}): Promise<void> =>
  withRelay('relay', (options, using) => runRelay({ ...options, ...pruningOf(flags) }, using))

/** The flag as the relay's option: seconds there, milliseconds here, and off where it is not given. */
export const pruningOf = ({
  pruneAfter,
}: {
  readonly pruneAfter?: number
}): Pick<RelayOptions, 'pruneAfterMs'> =>
  pruneAfter === undefined ? {} : { pruneAfterMs: pruneAfter * 1_000 }

/** Makes the slot anew and sends what the topic lacks. */
export const resyncRelay = (): Promise<ResyncResult> =>
  withRelay('relay-resync', async (options, using) => {
    const status = newRelayStatus()
    const position = await resync(options, { ...using, status })
    return {
      sent: status.eventsSent,
      position: position === undefined ? undefined : positionText(position),
    }
  })

const withRelay = async <T>(
  name: string,
  work: (options: RelayOptions, using: RelayDependencies) => Promise<T>,
): Promise<T> => {
  const config = await loadSettings(['postgresUrl', 'kafkaBrokers', 'registryUrl'])
  const log = createLogger(name)
  const crash = crashPointsOf({ env: process.env, log })
  const kafka = openKafka(config, `sluice-${name}`, crash)
  try {
    return await work(
      { postgresUrl: config.postgresUrl },
      {
        kafka,
        codecs: new AvroCodecs(openRegistry(config)),
        clock: systemClock,
        log,
        signal: stopSignal(),
        instanceId: newId(),
        crash,
      },
    )
  } finally {
    await kafka.close()
  }
}

/** One line about a resync. */
export const renderResync = ({ sent }: ResyncResult): string =>
  sent === 0
    ? 'every row of the outbox was on the topic already; the relay can be started again'
    : `${formatCount(sent)} rows of the outbox were not on the topic and have been sent; the relay can be started again`
