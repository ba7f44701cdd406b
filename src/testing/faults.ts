import type { Exchange } from './exchange.ts'

/** Where a fault strikes: before the server sees the request, or after it has done it, at the reply. */
export type Side = 'request' | 'reply'

/**
 * What goes wrong. Times in milliseconds.
 *
 * - `delay`: comes later; in a protocol with an order, so does all that follows on the connection.
 * - `drop`: never arrives; the connection stays, and the client waits until its own patience ends.
 * - `cut`: never arrives; the connection is reset in its place.
 * - `late`: the client is cut off (or with `cut: false` left waiting), and the server gets the request all the same: after
 *   `delayMs`, or without it when the injection is released. The outcome that is unknown at its worst.
 * - `replay`: arrives, and arrives a second time after `delayMs`, or when released.
 * - `slice`: arrives in pieces of `sliceBytes` (default 1).
 * - `bandwidth`: arrives at `bytesPerSecond`.
 * - `blackhole`: from here on the connection carries nothing, either way, and stays open.
 * - `answer`: the client gets this error; the server gets the request only with `isDone`, its own answer being dropped.
 */
export type Fault<Answer> =
  | { readonly kind: 'delay'; readonly side: Side; readonly delayMs: number }
  | { readonly kind: 'drop'; readonly side: Side }
  | { readonly kind: 'cut'; readonly side: Side }
  | { readonly kind: 'late'; readonly delayMs?: number; readonly cut?: boolean }
  | { readonly kind: 'replay'; readonly delayMs?: number }
  | { readonly kind: 'slice'; readonly side: Side; readonly sliceBytes?: number }
  | { readonly kind: 'bandwidth'; readonly side: Side; readonly bytesPerSecond: number }
  | { readonly kind: 'blackhole'; readonly side: Side }
  | { readonly kind: 'answer'; readonly error: Answer; readonly isDone?: boolean }

/**
 * Which exchanges suffer what, and how many of them.
 *
 * @example const rule: FaultRule<KafkaAnswer> = { api: 'EndTxn', mentions: 'orders-a', fault: { kind: 'cut', side: 'reply' } }
 */
export interface FaultRule<Answer> {
  /** Appears in reports; default the fault's description. */
  readonly name?: string
  /** An `Exchange.api`, or several; any without it. */
  readonly api?: string | readonly string[]
  /** A text that the request's bytes or its statements hold: a topic, a transactional id, an order, a table. */
  readonly mentions?: string
  /** Whatever else must be true of the exchange. */
  readonly where?: (exchange: Exchange) => boolean
  /** How many matching exchanges pass first. Default 0. */
  readonly skip?: number
  /** How many suffer; default 1, `Infinity` for all until it is withdrawn. */
  readonly times?: number
  readonly fault: Fault<Answer>
}

/** One fault that has struck. */
export interface InjectedFault {
  readonly rule: string
  readonly fault: string
  readonly protocol: string
  readonly api: string
  readonly statement: string
  readonly connection: number
  /** Milliseconds since the epoch. */
  readonly atMs: number
}

/** A fault in a few words, e.g. `cut reply`. */
export const describeFault = (fault: Fault<unknown>): string => {
  switch (fault.kind) {
    case 'delay':
      return `delay ${fault.side} ${fault.delayMs} ms`
    case 'late':
      return fault.delayMs === undefined ? 'late request' : `late request ${fault.delayMs} ms`
    case 'replay':
      return 'replay'
    case 'answer':
      return `answer ${JSON.stringify(fault.error)}${fault.isDone === true ? ', done' : ''}`
    default:
      return `${fault.kind} ${fault.side}`
  }
}

/** At which side a fault takes effect. */
export const sideOf = (fault: Fault<unknown>): Side => {
  if (fault.kind === 'late' || fault.kind === 'replay') return 'request'
  if (fault.kind === 'answer') return fault.isDone === true ? 'reply' : 'request'
  return fault.side
}
