/* eslint-disable no-underscore-dangle -- the names are those of the driver */
import type { Client } from 'cassandra-driver'

/** What is used of cassandra-driver 4.10.0's own control connection. */
interface ControlConnection {
  readonly options: { readonly contactPoints: readonly string[] }
  /** By `address:port`. */
  readonly hosts: { get(address: string): unknown }
  readonly _contactPoints: Set<string>
  readonly _resolvedContactPoints: Map<string, unknown>
  connection: unknown
  _parseContactPoint(name: string): Promise<void>
  _borrowAConnection(hosts: unknown): unknown
  _refreshControlConnection(hosts: unknown): Promise<void>
  _setHealthListeners(host: unknown, connection: unknown): void
}

/** Whether the names that the client was given lead to none of the hosts that it knows. */
const hasMoved = async (control: ControlConnection): Promise<boolean> => {
  control._contactPoints.clear()
  control._resolvedContactPoints.clear()
  await Promise.all(control.options.contactPoints.map(name => control._parseContactPoint(name)))
  return [...control._contactPoints].every(address => control.hosts.get(address) === undefined)
}

/**
 * Makes a client that has lost all of its cluster wait for the hosts it knows. The driver connects anew each time, as if it knew none: it
 * puts another host in the place of each, whose former one goes on connecting for ever, and watches the new control connection twice, so
 * that the next loss leads to two new ones. Connections double with every outage (NODEJS-681, not released). It is right only when the
 * hosts have other addresses than before, and is left to that.
 *
 * @example const client = new Client(options); keepKnownHosts(client); await client.connect()
 */
export const keepKnownHosts = (client: Client): void => {
  const control = Reflect.get(client, 'controlConnection') as ControlConnection
  const connectAnew = control._refreshControlConnection.bind(control)
  const watch = control._setHealthListeners.bind(control)
  let isConnectingAnew = false
  control._refreshControlConnection = async hosts => {
    try {
      control.connection = control._borrowAConnection(hosts)
    } catch (error) {
      // The driver tries again later, and the pools of the hosts connect by themselves meanwhile.
      if (!(await hasMoved(control))) throw error
      isConnectingAnew = true
      try {
        await connectAnew(hosts)
      } finally {
        isConnectingAnew = false
      }
    }
  }
  // Whoever refreshes watches the connection once it is done.
  control._setHealthListeners = (host, connection) => {
    if (!isConnectingAnew) watch(host, connection)
  }
}
