import { connect, createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import type { Clock } from '../core/clock.ts'
import { systemClock } from '../core/clock.ts'
import { FaultyConnection } from './connection.ts'
import type { Dialect } from './exchange.ts'
import type { FaultRule, InjectedFault } from './faults.ts'
import { RuleBook } from './rule-book.ts'
import type { Injection } from './rule-book.ts'

/** Where something listens. */
export interface Address {
  readonly host: string
  readonly port: number
}

/** `host:port` as an address. */
export const addressOf = (text: string): Address => {
  const separator = text.lastIndexOf(':')
  return { host: text.slice(0, separator), port: Number(text.slice(separator + 1)) }
}

/**
 * A proxy between clients and a real server, on loopback, that injures what passes as its rules say; without a rule all
 * passes unharmed. It encrypts nothing and decrypts nothing.
 *
 * @typeParam Answer An error that a server of this protocol can answer with.
 */
export interface FaultProxy<Answer> {
  /** `host:port` for clients; several, separated by commas, for several servers. */
  readonly address: string
  /** Every fault that has struck, oldest first. */
  readonly faults: readonly InjectedFault[]
  /** Connections that are open now. */
  readonly connections: number
  /** A new rule; rules made earlier go first. */
  inject(rule: FaultRule<Answer>): Injection
  /** Ends all rules, and lets the server have what they hold. */
  clear(): void
  /** Resets every open connection. */
  cutAll(): void
  /** While down, open connections are reset and new ones too, as with a server that is gone. */
  setDown(isDown: boolean): void
  /** While frozen, nothing passes either way, and nothing is lost: a broken link, or a server that stands still. */
  setFrozen(isFrozen: boolean): void
  close(): Promise<void>
}

export interface FaultProxyOptions<Answer> {
  /** For reports, e.g. `kafka`. */
  readonly protocol: string
  readonly targets: readonly Address[]
  /** Called for each connection; `addresses` are the proxy's own by the server's, `host:port`. */
  readonly dialect: (connection: number, addresses: ReadonlyMap<string, Address>) => Dialect<Answer>
  readonly clock?: Clock | undefined
}

const loopback = '127.0.0.1'

const listen = (server: Server): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, loopback, () => resolve((server.address() as AddressInfo).port))
  })

/** Listens on a free loopback port for each target; what all proxies have in common. */
export const startFaultProxy = async <Answer>(
  options: FaultProxyOptions<Answer>,
): Promise<FaultProxy<Answer>> => {
  const { protocol, targets, dialect, clock = systemClock } = options
  const rules = new RuleBook<Answer>(protocol, clock)
  const open = new Map<FaultyConnection<Answer>, readonly Socket[]>()
  const addresses = new Map<string, Address>()
  let connections = 0
  let isDown = false
  let isFrozen = false

  const accept = (client: Socket, target: Address): void => {
    if (isDown) {
      client.on('error', () => {})
      client.resetAndDestroy()
      return
    }
    const upstream = connect(target.port, target.host)
    connections += 1
    const connection = new FaultyConnection({
      client,
      upstream,
      dialect: dialect(connections, addresses),
      rules,
      clock,
    })
    const sockets = [client, upstream]
    open.set(connection, sockets)
    for (const socket of sockets)
      socket.once('close', () => {
        if (sockets.every(({ closed }) => closed)) open.delete(connection)
      })
    if (isFrozen) connection.setFrozen(true)
  }

  const servers = targets.map(target => createServer(client => accept(client, target)))
  const own = await Promise.all(
    servers.map(async (server, index) => {
      const { host, port } = targets[index] as Address
      const address = { host: loopback, port: await listen(server) }
      addresses.set(`${host}:${port}`, address)
      return address
    }),
  )
  const cutAll = (): void => {
    for (const connection of open.keys()) connection.cut()
  }
  return {
    address: own.map(({ host, port }) => `${host}:${port}`).join(','),
    get faults() {
      return rules.faults
    },
    get connections() {
      return open.size
    },
    inject: rule => rules.inject(rule),
    clear: () => rules.clear(),
    cutAll,
    setDown: down => {
      isDown = down
      if (down) cutAll()
    },
    setFrozen: frozen => {
      isFrozen = frozen
      for (const connection of open.keys()) connection.setFrozen(frozen)
    },
    close: async () => {
      cutAll()
      await Promise.all(servers.map(server => new Promise<void>(resolve => server.close(() => resolve()))))
    },
  }
}
