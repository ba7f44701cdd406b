/** One request and its reply, as a proxy sees them pass; what rules are matched against. */
export interface Exchange {
  /**
   * What is asked: a Kafka API (`EndTxn`), a CQL request (`BATCH`), `Query` or `Startup` in Postgres, `data` in plain TCP.
   * What a server says unasked (an event, a piece of a replication stream) is named the same way: `EVENT`, `XLogData`.
   */
  readonly api: string
  /** The statements it runs, prepared ones by the text they were prepared from, one a line; empty for Kafka. */
  readonly statement: string
  /** The request as it came; what was said unasked, of a server. */
  readonly bytes: Buffer
  /** Number of the client's connection, from 1. */
  readonly connection: number
  readonly from: 'client' | 'server'
}

/** Bytes of an exchange that came from the client. A request may come in parts; whoever fails one part fails all. */
export interface RequestPart {
  readonly exchange: Exchange
  readonly bytes: Buffer
}

/** Bytes from the server: a part of a reply, or something said unasked. */
export interface ReplyPart {
  readonly exchange: Exchange
  readonly bytes: Buffer
  /** Whether the reply is complete with it: by then the server has done what it was asked. */
  readonly isLast: boolean
  /** A reply to a request that the proxy itself repeated: nobody waits for it. */
  readonly isUnwanted?: boolean
}

/**
 * What one connection says, understood: bytes in any slicing become parts of exchanges. One instance per connection.
 *
 * @typeParam Answer An error that a server of this protocol can answer with.
 */
export interface Dialect<Answer> {
  /** Whether replies come in the order of the requests, so that a late one holds up those after it. */
  readonly isInOrder: boolean
  requests(chunk: Buffer): RequestPart[]
  replies(chunk: Buffer): ReplyPart[]
  /** The request is on its way to the server; from now on its reply is looked for. */
  sent(exchange: Exchange): void
  /** The same request again, under a number of its own, so that its reply is told from that to the first. */
  repeat(exchange: Exchange): Buffer
  /** What the server would say to refuse the request. */
  answer(exchange: Exchange, error: Answer): Buffer
  /** Whether the server ends the connection after that. */
  isFinal?(error: Answer): boolean
}
