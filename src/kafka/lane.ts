import { ConnectionPool } from '@platformatic/kafka'
import type { API, Broker } from '@platformatic/kafka'
import { messageOf, SluiceError } from '../core/errors.ts'
import { unreachableCode } from './classify.ts'

/**
 * Connections of one purpose, one per broker. A broker answers the requests of a connection in order, so what may wait
 * long (fetches, joins, acknowledged writes) never shares a connection with what must not (heartbeats, metadata).
 */
export class Lane {
  readonly #pool: ConnectionPool
  #isClosed = false

  constructor(clientId: string, requestTimeoutMs: number) {
    this.#pool = new ConnectionPool(clientId, { requestTimeout: requestTimeoutMs, connectTimeout: 5000 })
    // The client reports a broken socket as an event too; without a listener it would end the process.
    this.#pool.on('connecting', ({ connection }) => connection.on('error', () => {}))
  }

  /** One request to one broker. Fails with `SLUICE_KAFKA_UNREACHABLE` when it has certainly not been sent. */
  async call<Arguments extends unknown[], Response>(
    broker: Broker,
    api: API<Arguments, Response>,
    ...request: Arguments
  ): Promise<Response> {
    if (this.#isClosed) throw closedError()
    let connection
    try {
      connection = await this.#pool.get({ host: broker.host, port: broker.port })
    } catch (error) {
      if (this.#isClosed) throw closedError()
      throw new SluiceError({
        code: unreachableCode,
        message: `no connection to ${broker.host}:${broker.port}: ${messageOf(error)}`,
        remedy: 'check that the broker runs and that its advertised address is reachable from here',
        reaction: 'retry',
        cause: error,
      })
    }
    return api.async(connection, ...request)
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#pool.close()
  }
}

export const closedError = (): SluiceError =>
  new SluiceError({
    code: 'SLUICE_KAFKA_CLOSED',
    message: 'this Kafka client has been closed',
    remedy: 'make a new one; nothing goes on after close',
  })
