import type { Socket } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../core/clock.ts'

/** How bytes are written: at once and whole, or not. */
export interface Manner {
  readonly delayMs?: number
  readonly sliceBytes?: number
  readonly bytesPerSecond?: number
}

/** Above this much unwritten the other side is not read any further. */
const highWaterBytes = 8 * 1024 * 1024
/** At a limited bandwidth, how many pieces a second's worth is cut into. */
const piecesPerSecond = 20

/** Writes to one socket, one thing after another, each in its manner; what is late holds up what follows. */
export class Outlet {
  readonly #socket: Socket
  readonly #clock: Clock
  readonly #closed = new AbortController()
  readonly #onPressure: (isHigh: boolean) => void
  #tail: Promise<void> = Promise.resolve()
  #pendingBytes = 0

  /** @param onPressure Called with true when much is waiting, with false when it has gone. */
  constructor(socket: Socket, clock: Clock, onPressure: (isHigh: boolean) => void) {
    this.#socket = socket
    this.#clock = clock
    this.#onPressure = onPressure
    socket.once('close', () => this.#closed.abort(new Error('the connection is closed')))
  }

  send(bytes: Buffer, manner: Manner = {}): void {
    this.#pendingBytes += bytes.length
    if (this.#pendingBytes > highWaterBytes) this.#onPressure(true)
    this.#then(async () => {
      try {
        await this.#write(bytes, manner)
      } finally {
        this.#pendingBytes -= bytes.length
        if (this.#pendingBytes === 0) this.#onPressure(false)
      }
    })
  }

  /** Closes the connection once all has been written. */
  end(): void {
    this.#then(async () => {
      this.#socket.end()
    })
  }

  #then(work: () => Promise<void>): void {
    // A connection that broke takes with it what was to be written: nobody is left to be told.
    this.#tail = this.#tail.then(work).catch(() => {})
  }

  async #write(bytes: Buffer, { delayMs = 0, sliceBytes, bytesPerSecond }: Manner): Promise<void> {
    const signal = this.#closed.signal
    if (delayMs > 0) await this.#clock.sleep(delayMs, signal)
    const pieceBytes =
      sliceBytes ??
      (bytesPerSecond === undefined ? bytes.length : Math.ceil(bytesPerSecond / piecesPerSecond))
    for (let start = 0; start < bytes.length; start += pieceBytes) {
      signal.throwIfAborted()
      const piece = bytes.subarray(start, start + pieceBytes)
      await this.#put(piece)
      // The reader gets a turn, or the kernel would put the pieces together again.
      if (sliceBytes !== undefined) await setImmediate()
      if (bytesPerSecond !== undefined)
        await this.#clock.sleep((1_000 * piece.length) / bytesPerSecond, signal)
    }
  }

  #put(bytes: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.write(bytes, error => (error ? reject(error) : resolve()))
    })
  }
}
