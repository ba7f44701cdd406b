import type { Socket } from 'node:net'
import type { Clock } from '../core/clock.ts'
import type { Dialect, Exchange, ReplyPart, RequestPart } from './exchange.ts'
import { sideOf } from './faults.ts'
import { Outlet } from './outlet.ts'
import type { Manner } from './outlet.ts'
import type { RuleBook, Strike } from './rule-book.ts'

export interface ConnectionParts<Answer> {
  readonly client: Socket
  readonly upstream: Socket
  readonly dialect: Dialect<Answer>
  readonly rules: RuleBook<Answer>
  readonly clock: Clock
}

/** What has been decided on an exchange. `isLost`: nothing more of its request goes on. */
interface Course<Answer> {
  readonly strike: Strike<Answer> | undefined
  isLost: boolean
}

/** One client's connection, passed on to the server part by part, each as the rules have it. */
export class FaultyConnection<Answer> {
  readonly #parts: ConnectionParts<Answer>
  readonly #toServer: Outlet
  readonly #toClient: Outlet
  readonly #courses = new WeakMap<Exchange, Course<Answer>>()
  /** Claimed, and not yet struck. */
  readonly #open = new Set<Strike<Answer>>()
  /** Late and repeated requests whose replies have yet to come. */
  readonly #arriving = new Map<Exchange, Strike<Answer>>()
  #isFrozen = false
  #isBlackhole = false
  #isClientGone = false

  constructor(parts: ConnectionParts<Answer>) {
    this.#parts = parts
    const { client, upstream, clock } = parts
    this.#toServer = new Outlet(upstream, clock, isHigh => this.#setPaused(client, isHigh))
    this.#toClient = new Outlet(client, clock, isHigh => this.#setPaused(upstream, isHigh))
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true)
      socket.on('error', () => {})
    }
    client.on('data', chunk => this.#onClientData(chunk))
    upstream.on('data', chunk => this.#onServerData(chunk))
    client.once('close', () => this.#onClientClose())
    upstream.once('close', () => this.#onServerClose())
  }

  /** Neither side hears from the other until it is thawed; then all arrives, as after a broken link. */
  setFrozen(isFrozen: boolean): void {
    this.#isFrozen = isFrozen
    for (const socket of [this.#parts.client, this.#parts.upstream]) this.#setPaused(socket, isFrozen)
  }

  /** Resets both connections. */
  cut(): void {
    this.#parts.client.resetAndDestroy()
    this.#parts.upstream.destroy()
  }

  #setPaused(socket: Socket, isPaused: boolean): void {
    if (isPaused || this.#isFrozen) socket.pause()
    else socket.resume()
  }

  #onClientData(chunk: Buffer): void {
    this.#orCut(() => {
      for (const part of this.#parts.dialect.requests(chunk)) if (!this.#isBlackhole) this.#pass(part)
    })
  }

  #onServerData(chunk: Buffer): void {
    this.#orCut(() => {
      for (const part of this.#parts.dialect.replies(chunk)) this.#passBack(part)
    })
  }

  /** Bytes of another protocol end the connection, as a server would. */
  #orCut(work: () => void): void {
    try {
      work()
    } catch {
      this.cut()
    }
  }

  #onClientClose(): void {
    this.#isClientGone = true
    // What is to arrive late needs the connection on which it was sent.
    if (this.#arriving.size === 0) this.#toServer.end()
    this.#missOpen()
  }

  #onServerClose(): void {
    this.#missOpen()
    for (const strike of this.#arriving.values()) strike.arrived()
    this.#arriving.clear()
    this.#toClient.end()
  }

  #missOpen(): void {
    for (const strike of this.#open) strike.missed()
    this.#open.clear()
  }

  #strike(strike: Strike<Answer>): void {
    this.#open.delete(strike)
    strike.struck()
  }

  #claim(exchange: Exchange): Course<Answer> {
    const strike = this.#parts.rules.claim(exchange)
    if (strike !== undefined) this.#open.add(strike)
    const course = { strike, isLost: false }
    this.#courses.set(exchange, course)
    return course
  }

  #pass(part: RequestPart): void {
    const { exchange } = part
    const known = this.#courses.get(exchange)
    if (known !== undefined) {
      if (!known.isLost) this.#toServer.send(part.bytes)
      return
    }
    const course = this.#claim(exchange)
    if (course.strike !== undefined && sideOf(course.strike.fault) === 'request')
      this.#passBadly(part, course, course.strike)
    else this.#deliver(part)
  }

  #deliver({ exchange, bytes }: RequestPart, manner: Manner = {}): void {
    this.#parts.dialect.sent(exchange)
    this.#send(this.#toServer, bytes, manner)
  }

  #passBadly(part: RequestPart, course: Course<Answer>, strike: Strike<Answer>): void {
    const { fault } = strike
    const { client, dialect } = this.#parts
    course.isLost = ['drop', 'cut', 'late', 'blackhole', 'answer'].includes(fault.kind)
    if (fault.kind !== 'answer') this.#strike(strike)
    switch (fault.kind) {
      case 'delay':
      case 'slice':
      case 'bandwidth':
        this.#deliver(part, mannerOf(fault))
        break
      case 'cut':
        this.#toServer.end()
        client.resetAndDestroy()
        break
      case 'blackhole':
        this.#isBlackhole = true
        break
      case 'answer':
        this.#answer(part.exchange, strike, fault.error)
        break
      case 'late':
        this.#arriving.set(part.exchange, strike)
        if (fault.cut !== false) client.resetAndDestroy()
        void this.#arriveLate(strike, fault.delayMs, () => this.#deliver(part))
        break
      case 'replay':
        this.#deliver(part)
        this.#arriving.set(part.exchange, strike)
        void this.#arriveLate(strike, fault.delayMs, () => this.#toServer.send(dialect.repeat(part.exchange)))
        break
      case 'drop':
        break
    }
  }

  async #arriveLate(strike: Strike<Answer>, delayMs: number | undefined, deliver: () => void): Promise<void> {
    await (delayMs === undefined ? strike.released() : this.#parts.clock.sleep(delayMs))
    if (!this.#parts.upstream.destroyed) deliver()
  }

  #passBack(part: ReplyPart): void {
    const { exchange, bytes, isLast, isUnwanted = false } = part
    if (isUnwanted) {
      if (isLast) this.#arrived(exchange)
      return
    }
    const course =
      this.#courses.get(exchange) ??
      (exchange.from === 'server' ? this.#claim(exchange) : { strike: undefined, isLost: false })
    const { strike } = course
    if (isLast && strike?.fault.kind === 'late') this.#arrived(exchange)
    if (this.#isBlackhole) return
    if (strike !== undefined && sideOf(strike.fault) === 'reply') this.#passBackBadly(part, strike)
    else this.#toClient.send(bytes)
  }

  #arrived(exchange: Exchange): void {
    this.#arriving.get(exchange)?.arrived()
    this.#arriving.delete(exchange)
    if (this.#isClientGone && this.#arriving.size === 0) this.#toServer.end()
  }

  #passBackBadly({ exchange, bytes, isLast }: ReplyPart, strike: Strike<Answer>): void {
    const { fault } = strike
    const { client } = this.#parts
    switch (fault.kind) {
      case 'delay':
      case 'slice':
      case 'bandwidth':
        this.#strike(strike)
        this.#send(this.#toClient, bytes, mannerOf(fault))
        break
      case 'blackhole':
        this.#isBlackhole = true
        this.#strike(strike)
        break
      // All others wait for the end of the reply: only then has the server certainly done it.
      case 'cut':
        if (!isLast) return
        this.#strike(strike)
        this.#toServer.end()
        client.resetAndDestroy()
        break
      case 'answer':
        if (isLast) this.#answer(exchange, strike, fault.error)
        break
      case 'drop':
        if (isLast) this.#strike(strike)
        break
      case 'late':
      case 'replay':
        break
    }
  }

  #answer(exchange: Exchange, strike: Strike<Answer>, error: Answer): void {
    const { dialect } = this.#parts
    try {
      this.#toClient.send(dialect.answer(exchange, error))
    } catch (failure) {
      strike.failed(failure)
      throw failure
    }
    this.#strike(strike)
    if (dialect.isFinal?.(error) === true) this.#toClient.end()
  }

  #send(outlet: Outlet, bytes: Buffer, manner: Manner): void {
    const { delayMs = 0 } = manner
    // Where replies are told apart by number, only this one is late.
    if (delayMs > 0 && !this.#parts.dialect.isInOrder)
      void this.#parts.clock.sleep(delayMs).then(() => outlet.send(bytes))
    else outlet.send(bytes, manner)
  }
}

const mannerOf = (fault: {
  readonly kind: 'delay' | 'slice' | 'bandwidth'
  readonly delayMs?: number
  readonly sliceBytes?: number
  readonly bytesPerSecond?: number
}): Manner => {
  const { kind, delayMs = 0, sliceBytes = 1, bytesPerSecond = 1 } = fault
  if (kind === 'delay') return { delayMs }
  return kind === 'slice' ? { sliceBytes } : { bytesPerSecond }
}
