import { ByteQueue, takeFrame } from '../byte-queue.ts'
import type { Dialect, Exchange, ReplyPart, RequestPart } from '../exchange.ts'
import { refuseStatement } from './answers.ts'
import type { PostgresAnswer } from './answers.ts'
import { messageLength, PostgresClientSide } from './client-side.ts'

interface Asked {
  readonly exchange: Exchange
  readonly isRepeated: boolean
}

/** Requests to which the server answers in one byte, before there are messages. */
const oneByte = new Set(['SSLRequest', 'GSSENCRequest'])
/** Requests with an answer that has an end. */
const answered = new Set(['Startup', 'Query', 'Execute', 'FunctionCall', ...oneByte])
const copied = new Map([
  ['w', 'XLogData'],
  ['k', 'Keepalive'],
])

/**
 * Postgres' protocol 3: requests one after another, each answered up to ReadyForQuery, or up to the beginning of a
 * replication stream, whose pieces are then said unasked. An encrypted connection passes as it is.
 */
export class PostgresDialect implements Dialect<PostgresAnswer> {
  readonly isInOrder = true
  readonly #connection: number
  readonly #client: PostgresClientSide
  readonly #fromServer = new ByteQueue()
  readonly #asked: Asked[] = []
  #isStreaming = false
  /** Of the transaction, as the server told last. */
  #status = 'I'

  constructor(connection: number) {
    this.#connection = connection
    this.#client = new PostgresClientSide(connection)
  }

  requests(chunk: Buffer): RequestPart[] {
    return this.#client.requests(chunk)
  }

  replies(chunk: Buffer): ReplyPart[] {
    this.#fromServer.push(chunk)
    const parts: ReplyPart[] = []
    for (let part = this.#next(); part !== undefined; part = this.#next()) parts.push(part)
    return parts
  }

  sent(exchange: Exchange): void {
    if (answered.has(exchange.api)) this.#asked.push({ exchange, isRepeated: false })
  }

  repeat(exchange: Exchange): Buffer {
    this.#asked.push({ exchange, isRepeated: true })
    return exchange.bytes
  }

  answer(_exchange: Exchange, error: PostgresAnswer): Buffer {
    return refuseStatement(error, this.#status)
  }

  isFinal(error: PostgresAnswer): boolean {
    return error.isFatal === true
  }

  #next(): ReplyPart | undefined {
    if (this.#client.isOpaque) {
      if (this.#fromServer.length === 0) return undefined
      return this.#unasked('encrypted', this.#fromServer.takeAll())
    }
    const [first] = this.#asked
    if (first !== undefined && oneByte.has(first.exchange.api)) return this.#encryption(first)
    const message = takeFrame(this.#fromServer, 5, messageLength)
    return message === undefined ? undefined : this.#message(message)
  }

  #encryption({ exchange, isRepeated }: Asked): ReplyPart | undefined {
    const bytes = this.#fromServer.take(1)
    if (bytes === undefined) return undefined
    this.#asked.shift()
    if (bytes.toString('latin1') !== 'N') this.#client.isOpaque = true
    return { exchange, bytes, isLast: true, isUnwanted: isRepeated }
  }

  #message(bytes: Buffer): ReplyPart {
    const type = bytes.toString('latin1', 0, 1)
    if (type === 'Z') this.#status = bytes.toString('latin1', 5, 6)
    if (this.#isStreaming) {
      if (type === 'Z') this.#isStreaming = false
      const api = type === 'd' ? copied.get(bytes.toString('latin1', 5, 6)) : undefined
      return this.#unasked(api ?? type, bytes)
    }
    const [first] = this.#asked
    if (first === undefined) return this.#unasked(type, bytes)
    const isLast = type === 'Z' || type === 'W'
    if (isLast) this.#asked.shift()
    if (type === 'W') this.#isStreaming = true
    return { exchange: first.exchange, bytes, isLast, isUnwanted: first.isRepeated }
  }

  #unasked(api: string, bytes: Buffer): ReplyPart {
    const exchange = { api, statement: '', bytes, connection: this.#connection, from: 'server' } as const
    return { exchange, bytes, isLast: true }
  }
}
