import { ByteQueue, takeFrames } from '../byte-queue.ts'

const headerBytes = 9

const opcodes: Readonly<Record<number, string>> = {
  0x00: 'ERROR',
  0x01: 'STARTUP',
  0x02: 'READY',
  0x03: 'AUTHENTICATE',
  0x05: 'OPTIONS',
  0x06: 'SUPPORTED',
  0x07: 'QUERY',
  0x08: 'RESULT',
  0x09: 'PREPARE',
  0x0a: 'EXECUTE',
  0x0b: 'REGISTER',
  0x0c: 'EVENT',
  0x0d: 'BATCH',
  0x0e: 'AUTH_CHALLENGE',
  0x0f: 'AUTH_RESPONSE',
  0x10: 'AUTH_SUCCESS',
}

/** The whole frames (native protocol 3 and 4) that have arrived. */
export const takeCqlFrames = (queue: ByteQueue): Buffer[] =>
  takeFrames(queue, headerBytes, head => headerBytes + head.readUInt32BE(5))

export const opcodeName = (frame: Buffer): string =>
  opcodes[frame.readUInt8(4)] ?? `opcode ${frame.readUInt8(4)}`

export const streamOf = (frame: Buffer): number => frame.readInt16BE(2)

const compressed = 0x01
const traced = 0x02
const withPayload = 0x04
const withWarnings = 0x08

/** Reads a frame's body, past what flags put in front of it. */
export class CqlBody {
  readonly #frame: Buffer
  #position = headerBytes

  private constructor(frame: Buffer) {
    this.#frame = frame
  }

  /** Undefined for a compressed body, which the proxy does not unpack. */
  static of(frame: Buffer): CqlBody | undefined {
    const flags = frame.readUInt8(1)
    if ((flags & compressed) !== 0) return undefined
    const body = new CqlBody(frame)
    const isReply = (frame.readUInt8(0) & 0x80) !== 0
    if (isReply && (flags & traced) !== 0) body.skip(16)
    if ((flags & withWarnings) !== 0) for (let left = body.uint16(); left > 0; left--) body.shortBytes()
    if ((flags & withPayload) !== 0)
      for (let left = body.uint16(); left > 0; left--) {
        body.shortBytes()
        body.skipValue()
      }
    return body
  }

  skip(length: number): void {
    this.#position += length
  }

  uint8(): number {
    this.#position += 1
    return this.#frame.readUInt8(this.#position - 1)
  }

  uint16(): number {
    this.#position += 2
    return this.#frame.readUInt16BE(this.#position - 2)
  }

  int32(): number {
    this.#position += 4
    return this.#frame.readInt32BE(this.#position - 4)
  }

  shortBytes(): Buffer {
    return this.#bytes(this.uint16())
  }

  longString(): string {
    return this.#bytes(this.int32()).toString('utf8')
  }

  /** A value: its length may be negative, for null and for not set. */
  skipValue(): void {
    this.skip(Math.max(0, this.int32()))
  }

  #bytes(length: number): Buffer {
    this.#position += length
    return this.#frame.subarray(this.#position - length, this.#position)
  }
}
