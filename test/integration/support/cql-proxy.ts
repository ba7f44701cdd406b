import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

/** What the proxy does with one frame. */
export type FrameFate = 'pass' | 'drop' | 'hold'

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
 * The driver connects to the address that the server announces; give it `addressResolution` or connect to one node only,
 * whose control connection and pool both use the contact point.
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
