import { randomBytes } from 'node:crypto'
import type { Clock } from '../../../src/core/clock.ts'
import { stackDown, stopServers } from '../../../src/stack/down.ts'
import { findJava } from '../../../src/stack/java.ts'
import { layoutOf, type StackLayout } from '../../../src/stack/layout.ts'
import { isFree } from '../../../src/stack/ports.ts'
import { runningPid } from '../../../src/stack/processes.ts'
import { stackServers } from '../../../src/stack/servers/index.ts'
import type { StackServer } from '../../../src/stack/servers/server.ts'
import { startServer } from '../../../src/stack/start-server.ts'
import { readState, urlsOf } from '../../../src/stack/state.ts'
import type { ServerName } from '../../../src/stack/types.ts'
import { stackUp } from '../../../src/stack/up.ts'
import { claimStack, removeStaleStacks, testStackName } from '../../integration/support/stale-stacks.ts'
import type { SystemConfig } from '../support/system.ts'
import { processTree, signalAll } from './process-tree.ts'

/** The servers of a stack that nobody else uses. */
export interface ServerControl {
  readonly config: SystemConfig
  readonly layout: StackLayout
  /** SIGSTOP to the server and all its processes. */
  pause(server: ServerName): void
  resume(server: ServerName): void
  /** SIGKILL to all its processes; resolves when it is gone. */
  crash(server: ServerName): Promise<void>
  /** Stops it in good order; resolves when it is gone. */
  stop(server: ServerName): Promise<void>
  isRunning(server: ServerName): boolean
  /** Resolves when it serves clients. */
  start(server: ServerName): Promise<void>
  /** Stops and deletes the stack, unless it was there before. */
  close(): Promise<void>
}

/** Names a running stack to be used in place of a new one; its servers are killed. */
export const stackVariable = 'SLUICE_CHAOS_STACK'

/**
 * Starts a stack of its own.
 *
 * @example const servers = await openServers(process.env, systemClock)
 */
export const openServers = async (environment: NodeJS.ProcessEnv, clock: Clock): Promise<ServerControl> => {
  const given = environment[stackVariable]?.trim() ?? ''
  if (given === '') await removeStaleStacks()
  const layout = layoutOf(given === '' ? testStackName(randomBytes(4).toString('hex')) : given, environment)
  if (given === '') claimStack(layout)
  await stackUp(layout, { environment, clock })
  const java = await findJava(environment)
  const state = readState(layout)
  if (state === undefined) throw new Error(`the stack ${layout.name} has no state`)
  const { ports, kafkaClusterId } = state
  const urls = urlsOf(state)
  const pidOf = (server: ServerName): number => {
    const pid = runningPid(layout.pidFileOf(server))
    if (pid === undefined) throw new Error(`${server} does not run`)
    return pid
  }
  const serverOf = (name: ServerName): StackServer =>
    stackServers.find(server => server.name === name) as StackServer
  const isRunning = (server: ServerName): boolean => runningPid(layout.pidFileOf(server)) !== undefined
  return {
    layout,
    config: {
      apiUrl: urls.api,
      postgresUrl: urls.postgres,
      kafkaBrokers: [urls.kafka],
      cassandraContactPoints: [urls.cassandra],
      cassandraDatacenter: urls.datacenter,
      registryUrl: urls.registry,
      keyspace: urls.keyspace,
    },
    pause: server => signalAll(processTree(pidOf(server)), 'SIGSTOP'),
    resume: server => signalAll(processTree(pidOf(server)), 'SIGCONT'),
    crash: async server => {
      signalAll(processTree(pidOf(server)), 'SIGKILL')
      // A process that dies gives its ports back last.
      const areFree = async (): Promise<boolean> =>
        (await Promise.all(serverOf(server).listensOn(ports).map(isFree))).every(Boolean)
      while (isRunning(server) || !(await areFree())) await clock.sleep(20)
    },
    stop: async server => void (await stopServers(layout, clock, [serverOf(server)])),
    isRunning,
    start: server => startServer(serverOf(server), { layout, ports, java, kafkaClusterId, clock }),
    close: async () => {
      if (given === '') await stackDown(layout, { clock, deleteAll: true })
    },
  }
}
