import { ByteQueue } from '../byte-queue.ts'
import type { Dialect, Exchange, ReplyPart, RequestPart } from '../exchange.ts'
import { refuseCqlRequest } from './answers.ts'
import type { CassandraAnswer } from './answers.ts'
import { opcodeName, streamOf, takeCqlFrames } from './frames.ts'
import type { PreparedStatements } from './statements.ts'

interface Asked {
  readonly exchange: Exchange
  readonly isRepeated: boolean
}

/** Drivers begin with low numbers and stay far below. */
const lastStream = 32_767

/** CQL's native protocol, versions 3 and 4: frames with a stream id, by which a reply finds its request. */
export class CqlDialect implements Dialect<CassandraAnswer> {
  readonly isInOrder = false
  readonly #connection: number
  readonly #prepared: PreparedStatements
  readonly #fromClient = new ByteQueue()
  readonly #fromServer = new ByteQueue()
  readonly #asked = new Map<number, Asked>()
  #nextOwnStream = lastStream

  constructor(connection: number, prepared: PreparedStatements) {
    this.#connection = connection
    this.#prepared = prepared
  }

  requests(chunk: Buffer): RequestPart[] {
    this.#fromClient.push(chunk)
    return takeCqlFrames(this.#fromClient).map(bytes => {
      const exchange = {
        api: opcodeName(bytes),
        statement: this.#prepared.textOf(bytes),
        bytes,
        connection: this.#connection,
        from: 'client',
      } as const
      return { exchange, bytes }
    })
  }

  replies(chunk: Buffer): ReplyPart[] {
    this.#fromServer.push(chunk)
    return takeCqlFrames(this.#fromServer).map(bytes => {
      const asked = this.#asked.get(streamOf(bytes))
      if (asked === undefined) {
        const unasked = { api: opcodeName(bytes), statement: '', bytes, connection: this.#connection }
        return { exchange: { ...unasked, from: 'server' } as const, bytes, isLast: true }
      }
      this.#asked.delete(streamOf(bytes))
      const { exchange, isRepeated } = asked
      if (exchange.api === 'PREPARE') this.#prepared.learn(exchange.statement, bytes)
      return { exchange, bytes, isLast: true, isUnwanted: isRepeated }
    })
  }

  sent(exchange: Exchange): void {
    this.#asked.set(streamOf(exchange.bytes), { exchange, isRepeated: false })
  }

  repeat(exchange: Exchange): Buffer {
    const stream = this.#nextOwnStream
    this.#nextOwnStream -= 1
    this.#asked.set(stream, { exchange, isRepeated: true })
    const copy = Buffer.from(exchange.bytes)
    copy.writeInt16BE(stream, 2)
    return copy
  }

  answer(exchange: Exchange, error: CassandraAnswer): Buffer {
    return refuseCqlRequest(exchange.bytes, error)
  }
}
