import { ByteQueue, takeFrame } from '../byte-queue.ts'
import type { Exchange, RequestPart } from '../exchange.ts'
import { SessionStatements } from './statements.ts'

const requestCodes = new Map([
  [80_877_102, 'CancelRequest'],
  [80_877_103, 'SSLRequest'],
  [80_877_104, 'GSSENCRequest'],
])

/** Messages of a client outside of the extended protocol that stand alone. */
const single = new Map([
  ['X', 'Terminate'],
  ['c', 'CopyDone'],
  ['f', 'CopyFail'],
  ['F', 'FunctionCall'],
])

const copyData = new Map([
  ['r', 'StandbyStatus'],
  ['h', 'HotStandbyFeedback'],
])

/** Bytes of a whole message by its type and length. */
export const messageLength = (head: Buffer): number => 1 + head.readInt32BE(1)

/** Cuts what a client says into exchanges: start-up, queries, extended messages up to their Sync, copied data. */
export class PostgresClientSide {
  readonly #connection: number
  readonly #queue = new ByteQueue()
  readonly #statements = new SessionStatements()
  #startup: Exchange | undefined
  /** Extended messages that no Sync or Flush has sent off yet. */
  #gathered: Buffer[] = []
  /** An exchange whose first messages were sent off by a Flush. */
  #flushed: Exchange | undefined
  isOpaque = false

  constructor(connection: number) {
    this.#connection = connection
  }

  requests(chunk: Buffer): RequestPart[] {
    this.#queue.push(chunk)
    const parts: RequestPart[] = []
    for (;;) {
      const part = this.isOpaque ? this.#rest() : this.#next()
      if (part === 'none') return parts
      if (part !== 'more') parts.push(part)
    }
  }

  #exchange(api: string, bytes: Buffer, statement = ''): Exchange {
    return { api, statement, bytes, connection: this.#connection, from: 'client' }
  }

  #rest(): RequestPart | 'none' {
    if (this.#queue.length === 0) return 'none'
    const bytes = this.#queue.takeAll()
    return { exchange: this.#exchange('encrypted', bytes), bytes }
  }

  #next(): RequestPart | 'none' | 'more' {
    if (this.#startup === undefined) return this.#begin() ?? 'none'
    const message = takeFrame(this.#queue, 5, messageLength)
    return message === undefined ? 'none' : (this.#message(message, this.#startup) ?? 'more')
  }

  /** The first messages have no type: a request for encryption, to cancel, or the start-up itself. */
  #begin(): RequestPart | undefined {
    const bytes = takeFrame(this.#queue, 8, head => head.readInt32BE(0))
    if (bytes === undefined) return undefined
    const api = requestCodes.get(bytes.readInt32BE(4)) ?? 'Startup'
    const exchange = this.#exchange(api, bytes)
    if (api === 'Startup') this.#startup = exchange
    return { exchange, bytes }
  }

  /** Undefined while a sequence is being gathered. */
  #message(bytes: Buffer, startup: Exchange): RequestPart | undefined {
    const type = bytes.toString('latin1', 0, 1)
    // An answer to the server's question for a password.
    if (type === 'p') return { exchange: startup, bytes }
    if (type === 'Q')
      return { exchange: this.#exchange('Query', bytes, this.#statements.ofQuery(bytes)), bytes }
    if (type === 'd') {
      const api = copyData.get(bytes.toString('latin1', 5, 6)) ?? 'CopyData'
      return { exchange: this.#exchange(api, bytes), bytes }
    }
    const alone = single.get(type)
    if (alone !== undefined) return { exchange: this.#exchange(alone, bytes), bytes }
    this.#gathered.push(bytes)
    return type === 'S' || type === 'H' ? this.#sendOff(type === 'S') : undefined
  }

  #sendOff(isSync: boolean): RequestPart {
    const messages = this.#gathered
    this.#gathered = []
    const bytes = Buffer.concat(messages)
    const exchange = this.#flushed ?? this.#exchange('Execute', bytes, this.#statements.ofExtended(messages))
    this.#flushed = isSync ? undefined : exchange
    return { exchange, bytes }
  }
}
