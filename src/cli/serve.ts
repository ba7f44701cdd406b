import { openCassandra, openPostgres } from '../app/adapters.ts'
import { createLogger } from '../app/logger.ts'
import { systemClock } from '../core/clock.ts'
import { SluiceError } from '../core/errors.ts'
import { runOrderService } from '../orders/http/run.ts'
import { createReservationIntents } from '../orders/reservation/intents.ts'
import { createReservations } from '../orders/reservation/reservations.ts'
import { createStockReader } from '../orders/stock-reader.ts'
import { loadSettings } from './settings.ts'

const needs = ['postgresUrl', 'cassandraContactPoints', 'cassandraDatacenter', 'keyspace', 'apiPort'] as const

/** Runs order service and reaper until the process is told to stop. */
export const serve = async (options: { readonly host: string; readonly port?: number }): Promise<void> => {
  const config = await loadSettings(needs)
  const log = createLogger('serve')
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
      reservations: createReservations({ cassandra, clock: systemClock, log }),
      intents: createReservationIntents({ cassandra }),
      stockReader: createStockReader(cassandra),
      clock: systemClock,
      log,
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
