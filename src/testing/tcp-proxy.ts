import type { Clock } from '../core/clock.ts'
import type { Dialect, Exchange, ReplyPart, RequestPart } from './exchange.ts'
import { addressOf, startFaultProxy } from './fault-proxy.ts'
import type { FaultProxy } from './fault-proxy.ts'

/** A proxy that understands nothing of what it carries; the server's bytes are said unasked, `api` is always `data`. */
export type TcpFaultProxy = FaultProxy<never>

class BytesDialect implements Dialect<never> {
  readonly isInOrder = true
  readonly #connection: number

  constructor(connection: number) {
    this.#connection = connection
  }

  requests(bytes: Buffer): RequestPart[] {
    return [{ exchange: this.#exchange(bytes, 'client'), bytes }]
  }

  replies(bytes: Buffer): ReplyPart[] {
    return [{ exchange: this.#exchange(bytes, 'server'), bytes, isLast: true }]
  }

  sent(): void {}

  repeat(exchange: Exchange): Buffer {
    return exchange.bytes
  }

  answer(): Buffer {
    return Buffer.alloc(0)
  }

  #exchange(bytes: Buffer, from: Exchange['from']): Exchange {
    return { api: 'data', statement: '', bytes, connection: this.#connection, from }
  }
}

/**
 * Starts a proxy before any server, e.g. a schema registry: to be cut, stopped, slowed and silenced.
 *
 * @param server `host:port`.
 * @example const proxy = await startTcpFaultProxy('127.0.0.1:8080'); proxy.setDown(true)
 */
export const startTcpFaultProxy = (server: string, clock?: Clock): Promise<TcpFaultProxy> =>
  startFaultProxy({
    protocol: 'tcp',
    targets: [addressOf(server)],
    dialect: connection => new BytesDialect(connection),
    clock,
  })
