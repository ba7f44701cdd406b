import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ServerConfig } from '../../../src/app/adapters.ts'
import type { Config } from '../../../src/app/config.ts'
import type { CheckTargets } from '../../../src/check/types.ts'
import { checkTargetsOf } from '../../../src/cli/check-system.ts'
import { startOrderSystem } from '../../../src/cli/demo/system.ts'
import type { OrderSystem, OrderSystemOptions } from '../../../src/cli/demo/system.ts'
import { migrateServers } from '../../../src/cli/migrate.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { stack } from './stack.ts'

/** The test stack as the application's settings. */
export const stackConfig: ServerConfig & Pick<Config, 'apiUrl'> = {
  apiUrl: stack.api,
  postgresUrl: stack.postgres,
  kafkaBrokers: stack.kafka.split(','),
  cassandraContactPoints: stack.cassandra.split(','),
  cassandraDatacenter: stack.datacenter,
  registryUrl: stack.registry,
  keyspace: stack.keyspace,
}

/** The test stack as the audit takes it. */
export const checkTargets: CheckTargets = checkTargetsOf(stackConfig)

/**
 * The whole order system on the test stack: order service, relay and two workers, each a process of its own, whose logs
 * are in a temporary folder. Kill one with `system.processes.get('relay')?.stop('SIGKILL')`, begin it again with
 * `system.restart('relay')`; stop all in `afterAll`.
 *
 * @example const system = await startSystem()
 */
export const startSystem = async (options: Pick<OrderSystemOptions, 'tuning'> = {}): Promise<OrderSystem> => {
  await migrateServers(stackConfig, 1)
  const logFolder = await mkdtemp(join(tmpdir(), 'sluice-system-'))
  const system = startOrderSystem({ config: stackConfig, logFolder, clock: systemClock, ...options })
  try {
    await system.ready()
    return system
  } catch (error) {
    await system.stop()
    throw error
  }
}
