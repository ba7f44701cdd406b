import type { ServerConfig } from '../../app/adapters.ts'
import type { Config } from '../../app/config.ts'
import type { Clock } from '../../core/clock.ts'
import { assertRunning, startProcess, waitUntilReady } from './processes.ts'
import type { SystemProcess } from './processes.ts'

/** The whole order system on servers that are already migrated: order service, relay, workers. */
export interface OrderSystem {
  readonly apiUrl: string
  /** By name: `serve`, `relay`, `worker-a`, … */
  readonly processes: ReadonlyMap<string, SystemProcess>
  /** Starts a process again after it was stopped or killed. */
  restart(name: string): SystemProcess
  /** Rejects when one has ended by itself. */
  assertRunning(): void
  /** Waits until the order service is ready. */
  ready(): Promise<void>
  /** Stops all: first what takes orders in, so that the rest can finish them. */
  stop(): Promise<void>
}

/** Where the servers and the order service are, and how many workers run. */
export interface OrderSystemOptions {
  readonly config: ServerConfig & Pick<Config, 'apiUrl'>
  readonly logFolder: string
  readonly clock: Clock
  /** Instance ids of the workers. Default `a` and `b`. */
  readonly instances?: readonly string[]
  /** Further arguments and settings of a process, by its name; default none. */
  readonly tuning?: (name: string) => ProcessTuning
}

/** What one process is started with besides what all are. */
export interface ProcessTuning {
  readonly args?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
}

/** The settings as environment variables for child processes. */
export const environmentOf = (config: ServerConfig & Pick<Config, 'apiUrl'>): Record<string, string> => ({
  SLUICE_POSTGRES_URL: config.postgresUrl,
  SLUICE_KAFKA: config.kafkaBrokers.join(','),
  SLUICE_CASSANDRA: config.cassandraContactPoints.join(','),
  SLUICE_CASSANDRA_DATACENTER: config.cassandraDatacenter,
  SLUICE_REGISTRY_URL: config.registryUrl,
  SLUICE_KEYSPACE: config.keyspace,
  SLUICE_API_URL: config.apiUrl,
  SLUICE_API_PORT: new URL(config.apiUrl).port,
})

/**
 * Starts order service, relay and workers as processes of their own.
 *
 * @example const system = startOrderSystem({ config, logFolder, clock: systemClock }); await system.ready()
 */
export const startOrderSystem = (options: OrderSystemOptions): OrderSystem => {
  const { config, clock, logFolder, instances = ['a', 'b'], tuning } = options
  const commands = new Map<string, readonly string[]>([
    ['serve', ['serve']],
    ['relay', ['relay']],
    ...instances.map((instance): [string, readonly string[]] => [
      `worker-${instance}`,
      ['run', '--instance', instance],
    ]),
  ])
  const processes = new Map<string, SystemProcess>()
  const start = (name: string): SystemProcess => {
    const { args = [], environment = {} }: ProcessTuning = tuning?.(name) ?? {}
    const started = startProcess(name, [...(commands.get(name) ?? []), ...args], {
      logFolder,
      environment: { ...environmentOf(config), ...environment },
    })
    processes.set(name, started)
    return started
  }
  for (const name of commands.keys()) start(name)
  return {
    apiUrl: config.apiUrl,
    processes,
    restart: start,
    assertRunning: () => assertRunning([...processes.values()]),
    ready: () => waitUntilReady(config.apiUrl, [...processes.values()], clock),
    stop: async () => {
      await processes.get('serve')?.stop()
      await processes.get('relay')?.stop()
      await Promise.all([...processes.values()].map(process => process.stop()))
    },
  }
}
