import { mkdirSync } from 'node:fs'
import type { ServerConfig } from '../../../src/app/adapters.ts'
import type { Config } from '../../../src/app/config.ts'
import { isReady } from '../../../src/cli/demo/processes.ts'
import { environmentOf } from '../../../src/cli/demo/system.ts'
import type { ProcessTuning } from '../../../src/cli/demo/system.ts'
import type { Clock } from '../../../src/core/clock.ts'
import type { InjectedFault } from '../../../src/testing/index.ts'
import { openProxies } from './proxies.ts'
import type { ProcessProxies } from './proxies.ts'
import { keepGenerations, serveFlags, sessionTimeoutMs } from './settings.ts'
import { supervise } from './supervisor.ts'
import type { Death, Supervised } from './supervisor.ts'

export type SystemConfig = ServerConfig & Pick<Config, 'apiUrl'>

/** Processes that run from the start, and `worker-c`, which is started by those who want tasks to move. */
export const processNames = ['serve', 'relay', 'worker-a', 'worker-b', 'worker-c'] as const
export type ProcessName = (typeof processNames)[number]

/** The order system as processes, each started again whenever it ends. */
export interface ChaosSystem {
  readonly apiUrl: string
  readonly logFolder: string
  process(name: ProcessName): Supervised
  /** The proxies of a process; throws for one that was started without. */
  proxiesOf(name: ProcessName): ProcessProxies
  /** Every fault that the proxies themselves say has struck. */
  faults(): readonly InjectedFault[]
  /** Every end of every process, oldest first. */
  deaths(): readonly Death[]
  /** Resolves when the order service can serve; rejects after `timeoutMs`, default 60,000. */
  ready(timeoutMs?: number): Promise<void>
  /** Stops all in good order, and closes the proxies. */
  stop(): Promise<void>
}

export interface ChaosSystemOptions {
  /** Servers that are already migrated. */
  readonly config: SystemConfig
  readonly logFolder: string
  readonly clock: Clock
  /** Processes that reach their servers through fault proxies. Default none. */
  readonly proxied?: readonly ProcessName[]
  /** Further arguments and settings of a process. */
  readonly tuning?: (name: ProcessName) => ProcessTuning
}

const argumentsOf = (name: ProcessName): readonly string[] => {
  const { rollAt, keyLease, reapAfter } = serveFlags
  switch (name) {
    case 'serve':
      return ['serve', '--roll-at', `${rollAt}`, '--key-lease', `${keyLease}`, '--reap-after', `${reapAfter}`]
    case 'relay':
      return ['relay']
    default:
      return ['run', '--instance', name, '--keep-generations', `${keepGenerations}`]
  }
}

/**
 * Starts order service, relay and two workers under supervision.
 *
 * @example
 * const system = await startChaosSystem({ config, logFolder, clock: systemClock, proxied: ['relay'] })
 * await system.ready()
 * system.process('relay').arm('relay.after-commit')
 * const { place } = await system.process('relay').nextDeath()
 */
export const startChaosSystem = async (options: ChaosSystemOptions): Promise<ChaosSystem> => {
  const { config, clock, logFolder, proxied = [], tuning } = options
  mkdirSync(logFolder, { recursive: true })
  const proxies = new Map<ProcessName, ProcessProxies>()
  const processes = new Map<ProcessName, Supervised>()
  for (const name of processNames) {
    const opened = proxied.includes(name) ? await openProxies(config) : undefined
    if (opened !== undefined) proxies.set(name, opened.proxies)
    const { args = [], environment = {} }: ProcessTuning = tuning?.(name) ?? {}
    const plan = {
      name,
      args: [...argumentsOf(name), ...args],
      environment: {
        ...environmentOf(opened?.config ?? config),
        SLUICE_SESSION_TIMEOUT_MS: `${sessionTimeoutMs}`,
        ...environment,
      },
    }
    processes.set(name, supervise(plan, { logFolder, clock, isHalted: name === 'worker-c' }))
  }
  const processOf = (name: ProcessName): Supervised => processes.get(name) as Supervised
  return {
    apiUrl: config.apiUrl,
    logFolder,
    process: processOf,
    proxiesOf: name => {
      const found = proxies.get(name)
      if (found === undefined) throw new Error(`${name} was started without proxies`)
      return found
    },
    faults: () => [...proxies.values()].flatMap(one => [...one.faults()]),
    deaths: () =>
      [...processes.values()].flatMap(({ deaths }) => deaths).sort((one, other) => one.atMs - other.atMs),
    ready: async (timeoutMs = 60_000) => {
      const deadline = clock.now() + timeoutMs
      while (!(await isReady(config.apiUrl))) {
        if (clock.now() > deadline)
          throw new Error(
            `the order service was not ready after ${timeoutMs} ms; its log: ${processOf('serve').logFile}`,
          )
        await clock.sleep(50)
      }
    },
    stop: async () => {
      // What takes orders in first, so that the rest can finish them.
      await processOf('serve').halt()
      await processOf('relay').halt()
      await Promise.all([...processes.values()].map(process => process.halt()))
      await Promise.all([...proxies.values()].map(one => one.close()))
    },
  }
}
