import { openCassandra, openPostgres } from '../app/adapters.ts'
import { crashPointsOf } from '../app/crash-points.ts'
import { createLogger } from '../app/logger.ts'
import { systemClock } from '../core/clock.ts'
import { SluiceError } from '../core/errors.ts'
import { runOrderService } from '../orders/http/run.ts'
import { createReservationIntents } from '../orders/reservation/intents.ts'
import { createReservations } from '../orders/reservation/reservations.ts'
import { createStockReader } from '../orders/stock-reader.ts'
import { loadSettings } from './settings.ts'

const needs = ['postgresUrl', 'cassandraContactPoints', 'cassandraDatacenter', 'keyspace', 'apiPort'] as const

/** What `sluice serve` may be told; times in seconds. */
export interface ServeFlags {
  readonly host: string
  readonly port?: number
  readonly rollAt?: number
  readonly keyLease?: number
  readonly reapAfter?: number
}

/** The flags as the parts of the service want them: only what is given, in milliseconds. */
export const tuningOf = ({ rollAt, keyLease, reapAfter }: ServeFlags) => {
  const reapAfterMs = reapAfter === undefined ? undefined : reapAfter * 1_000
  return {
    reservations: {
      ...(rollAt === undefined ? {} : { rollAtEntries: rollAt }),
      ...(reapAfterMs === undefined ? {} : { reserveTimeoutMs: Math.min(8_000, reapAfterMs / 3) }),
    },
    config: {
      ...(keyLease === undefined ? {} : { keyLeaseMs: keyLease * 1_000 }),
      ...(reapAfterMs === undefined ? {} : { reserveWithinMs: Math.min(20_000, reapAfterMs / 3) }),
    },
    reaper:
      reapAfterMs === undefined
        ? {}
        : { graceMs: reapAfterMs, intervalMs: Math.min(10_000, reapAfterMs / 6) },
  }
}

/** Runs order service and reaper until the process is told to stop. */
export const serve = async (options: ServeFlags): Promise<void> => {
  const config = await loadSettings(needs)
  const log = createLogger('serve')
  const crash = crashPointsOf({ env: process.env, log })
  const tuning = tuningOf(options)
  const postgres = openPostgres(config, log)
  const cassandra = await openCassandra(config)
  const onStopped = async (): Promise<void> => {
    await Promise.all([postgres.close(), cassandra.close()])
  }
  const port = options.port ?? config.apiPort
  try {
    await runOrderService({
      host: options.host,
      port,
      postgres,
      reservations: createReservations({ cassandra, clock: systemClock, log, crash, ...tuning.reservations }),
      intents: createReservationIntents({ cassandra }),
      stockReader: createStockReader(cassandra, systemClock),
      clock: systemClock,
      log,
      config: tuning.config,
      reaper: tuning.reaper,
      crash,
      onStopped,
    })
  } catch (error) {
    await onStopped()
    throw (error as NodeJS.ErrnoException).code === 'EADDRINUSE' ? portInUse(port, error) : error
  }
}

const portInUse = (port: number, cause: unknown): SluiceError =>
  new SluiceError({
    code: 'SLUICE_API_PORT_IN_USE',
    message: `port ${port}, where the order service is to listen, is in use`,
    remedy:
      'stop the other process, or give another port: --port, or SLUICE_API_PORT (and SLUICE_API_URL for clients)',
    details: { port },
    cause,
  })
