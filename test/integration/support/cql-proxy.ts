import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

/** What the proxy does with one frame; `break` closes its connection instead, `reply` forwards other bytes in its place. */
export type FrameFate = 'pass' | 'drop' | 'hold' | 'break' | { readonly reply: Buffer }

/** A frame of the native protocol. */
export interface CqlFrame {
  readonly direction: 'request' | 'reply'
  /** e.g. 0x0a EXECUTE, 0x0d BATCH, 0x08 RESULT. */
  readonly opcode: number
  readonly stream: number
  readonly bytes: Buffer
}

export const cqlOpcode = {
  error: 0x00,
  query: 0x07,
  result: 0x08,
  prepare: 0x09,
  execute: 0x0a,
  batch: 0x0d,
} as const

/** A TCP proxy that knows the frames of CQL, so that single requests and replies can be lost or delayed. */
export interface CqlProxy {
  readonly address: string
  /** Decides on every frame from now on; undefined passes everything. */
  decide(judge: ((frame: CqlFrame) => FrameFate) | undefined): void
  /** Frames that are being held. */
  readonly held: number
  /** Sends what was held, to where it was going. */
  releaseHeld(): void
  close(): Promise<void>
}

const headerBytes = 9

/** The server's own words for a Paxos round that it gave up waiting for, as an answer to the request of `frame`. */
export const writeTimeout = (frame: CqlFrame): Buffer => {
  const text = (value: string): Buffer => {
    const bytes = Buffer.from(value)
    const length = Buffer.alloc(2)
    length.writeUInt16BE(bytes.length)
    return Buffer.concat([length, bytes])
  }
  const code = Buffer.from([0x00, 0x00, 0x11, 0x00])
  const serialOneOfOne = Buffer.from([0x00, 0x08, 0, 0, 0, 0, 0, 0, 0, 1])
  const body = Buffer.concat([code, text('Operation timed out'), serialOneOfOne, text('CAS')])
  const header = Buffer.from(frame.bytes.subarray(0, headerBytes))
  // No compression, tracing or warnings in front of the body.
  header.writeUInt8(0, 1)
  header.writeUInt8(cqlOpcode.error, 4)
  header.writeUInt32BE(body.length, 5)
  return Buffer.concat([header, body])
}

/** Cuts a stream of bytes into frames. */
const frames = (direction: CqlFrame['direction'], each: (frame: CqlFrame) => void) => {
  let rest = Buffer.alloc(0)
  return (chunk: Buffer): void => {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= headerBytes) {
      const length = headerBytes + rest.readUInt32BE(5)
      if (rest.length < length) return
      const bytes = rest.subarray(0, length)
      rest = rest.subarray(length)
      each({ direction, opcode: bytes.readUInt8(4), stream: bytes.readInt16BE(2), bytes })
    }
  }
}

/**
 * Listens on a free loopback port and forwards to `target` (`host:port`).
 *
 * The driver reaches a cluster of one node by the address it was given, so everything goes through here.
 */
export const startCqlProxy = async (target: string): Promise<CqlProxy> => {
  const [host = '127.0.0.1', port = '9042'] = target.split(':')
  const sockets = new Set<Socket>()
  const held: { readonly socket: Socket; readonly bytes: Buffer }[] = []
  let judge: ((frame: CqlFrame) => FrameFate) | undefined

  const pipe = (direction: CqlFrame['direction'], from: Socket, to: Socket): void => {
    const onFrame = (frame: CqlFrame): void => {
      const fate = judge?.(frame) ?? 'pass'
      if (fate === 'pass') to.write(frame.bytes)
      if (fate === 'break') from.destroy()
      if (typeof fate === 'object') to.write(fate.reply)
      if (fate === 'hold') held.push({ socket: to, bytes: Buffer.from(frame.bytes) })
    }
    from.on('data', frames(direction, onFrame))
    from.on('close', () => to.destroy())
    from.on('error', () => to.destroy())
  }

  const server = createServer(client => {
    const upstream = connect(Number(port), host)
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
    }
    pipe('request', client, upstream)
    pipe('reply', upstream, client)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`

  return {
    address,
    decide: next => {
      judge = next
    },
    get held() {
      return held.length
    },
    releaseHeld: () => {
      for (const { socket, bytes } of held.splice(0)) socket.write(bytes)
    },
    close: () => {
      for (const socket of sockets) socket.destroy()
      return new Promise(resolve => {
        server.close(() => resolve())
      })
    },
  }
}
