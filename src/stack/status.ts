import type { StackLayout } from './layout.ts'
import { runningPid } from './processes.ts'
import { stackServers } from './servers/index.ts'
import { isServing } from './start-server.ts'
import { readState, urlsOf } from './state.ts'
import type { ServerStatus, StackUrls } from './types.ts'

export interface StackStatus {
  readonly urls: StackUrls
  readonly servers: readonly ServerStatus[]
  /** True when every server serves clients. */
  readonly running: boolean
}

/** What a stack is doing now; undefined for one that never was up. */
export const stackStatus = async (
  layout: StackLayout,
  members = stackServers,
): Promise<StackStatus | undefined> => {
  const state = readState(layout)
  if (state === undefined) return undefined
  const servers = await Promise.all(
    members.map(async (server): Promise<ServerStatus> => {
      const pid = runningPid(layout.pidFileOf(server.name))
      const serving = await isServing(server, { layout, ports: state.ports })
      return {
        name: server.name,
        state: serving ? 'running' : pid === undefined ? 'stopped' : 'starting',
        pid,
        port: server.port(state.ports),
        logFile: layout.logFileOf(server.name),
      }
    }),
  )
  return { urls: urlsOf(state), servers, running: servers.every(server => server.state === 'running') }
}
