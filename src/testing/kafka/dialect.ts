import { ByteQueue, takeFrames } from '../byte-queue.ts'
import type { Dialect, Exchange, ReplyPart, RequestPart } from '../exchange.ts'
import type { Address } from '../fault-proxy.ts'
import { withOwnAddresses } from './addresses.ts'
import { refuseRequest } from './answers.ts'
import type { KafkaAnswer } from './answers.ts'
import { apiName } from './apis.ts'
import { readRequest } from './request.ts'

interface Asked {
  readonly exchange: Exchange
  readonly apiKey: number
  readonly version: number
  readonly isRepeated: boolean
}

const frameLength = (head: Buffer): number => 4 + head.readInt32BE(0)

/** Kafka's frames: length, API key, version and correlation id, by which a reply finds its request. */
export class KafkaDialect implements Dialect<KafkaAnswer> {
  readonly isInOrder = true
  readonly #connection: number
  readonly #addresses: ReadonlyMap<string, Address>
  readonly #fromClient = new ByteQueue()
  readonly #fromServer = new ByteQueue()
  readonly #asked = new Map<number, Asked>()
  /** Below all that clients use. */
  #lastOwnId = 0

  constructor(connection: number, addresses: ReadonlyMap<string, Address>) {
    this.#connection = connection
    this.#addresses = addresses
  }

  requests(chunk: Buffer): RequestPart[] {
    this.#fromClient.push(chunk)
    return takeFrames(this.#fromClient, 4, frameLength).map(bytes => {
      const api = apiName(bytes.readInt16BE(4))
      const exchange = { api, statement: '', bytes, connection: this.#connection, from: 'client' } as const
      return { exchange, bytes }
    })
  }

  replies(chunk: Buffer): ReplyPart[] {
    this.#fromServer.push(chunk)
    return takeFrames(this.#fromServer, 4, frameLength).map(bytes => this.#reply(bytes))
  }

  sent(exchange: Exchange): void {
    const { apiKey, version, correlationId } = readRequest(exchange.bytes)
    this.#asked.set(correlationId, { exchange, apiKey, version, isRepeated: false })
  }

  repeat(exchange: Exchange): Buffer {
    const { apiKey, version } = readRequest(exchange.bytes)
    this.#lastOwnId -= 1
    this.#asked.set(this.#lastOwnId, { exchange, apiKey, version, isRepeated: true })
    const copy = Buffer.from(exchange.bytes)
    copy.writeInt32BE(this.#lastOwnId, 8)
    return copy
  }

  answer(exchange: Exchange, error: KafkaAnswer): Buffer {
    return refuseRequest(exchange.bytes, error)
  }

  #reply(bytes: Buffer): ReplyPart {
    const correlationId = bytes.readInt32BE(4)
    const asked = this.#asked.get(correlationId)
    if (asked === undefined) {
      const exchange = {
        api: 'unknown',
        statement: '',
        bytes,
        connection: this.#connection,
        from: 'server',
      } as const
      return { exchange, bytes, isLast: true }
    }
    this.#asked.delete(correlationId)
    const { exchange, apiKey, version, isRepeated } = asked
    return {
      exchange,
      bytes: withOwnAddresses(bytes, apiKey, version, this.#addresses),
      isLast: true,
      isUnwanted: isRepeated,
    }
  }
}
