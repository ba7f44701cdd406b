import { createServer, connect as connectSocket } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

/** What happens to one request: passed on, swallowed before the broker sees it, or answered into the void. */
export type Fault = 'none' | 'lose-request' | 'lose-reply'

export const apiKeys = {
  produce: 0,
  fetch: 1,
  heartbeat: 12,
  initProducerId: 22,
  endTxn: 26,
  txnOffsetCommit: 28,
} as const

export interface KafkaProxy {
  readonly broker: string
  /** The next request of this API suffers the fault; the connection is cut with it. */
  failNext(apiKey: number, fault: Fault): void
  /** Called each time a fault has struck. */
  onFault(listener: () => void): void
  /** Cuts every open connection. */
  cutAll(): void
  /** While set, new connections are cut at once. */
  setDown(isDown: boolean): void
  close(): Promise<void>
}

interface Pending {
  bytes: Buffer
}

/** Takes whole frames (length, then bytes) off the front of what has arrived. */
const framesOf = (pending: Pending, chunk: Buffer): Buffer[] => {
  pending.bytes = Buffer.concat([pending.bytes, chunk])
  const frames: Buffer[] = []
  while (pending.bytes.length >= 4) {
    const end = 4 + pending.bytes.readInt32BE(0)
    if (pending.bytes.length < end) break
    frames.push(Buffer.from(pending.bytes.subarray(0, end)))
    pending.bytes = pending.bytes.subarray(end)
  }
  return frames
}

/**
 * A proxy between a client and one broker that knows requests apart. Where the broker names its own address, the
 * proxy's is put in its place, so that the client never goes around it.
 */
export const startKafkaProxy = async (broker: string): Promise<KafkaProxy> => {
  const [host = '', port = ''] = broker.split(':')
  const sockets = new Set<Socket>()
  const faults = new Map<number, Fault>()
  const listeners: (() => void)[] = []
  let isDown = false
  let own: Buffer = Buffer.alloc(0)
  let theirs: Buffer = Buffer.alloc(0)

  const address = (of: number): Buffer => {
    const bytes = Buffer.alloc(1 + host.length + 4)
    bytes[0] = host.length + 1
    bytes.write(host, 1)
    bytes.writeInt32BE(of, 1 + host.length)
    return bytes
  }

  const server = createServer(client => {
    if (isDown) {
      client.destroy()
      return
    }
    const upstream = connectSocket(Number(port), host)
    const doomed = new Set<number>()
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        client.destroy()
        upstream.destroy()
      })
    }
    const requests: Pending = { bytes: Buffer.alloc(0) }
    const replies: Pending = { bytes: Buffer.alloc(0) }
    client.on('data', chunk => {
      for (const frame of framesOf(requests, chunk)) {
        const apiKey = frame.readInt16BE(4)
        const fault = faults.get(apiKey) ?? 'none'
        faults.delete(apiKey)
        if (fault === 'lose-request') {
          client.destroy()
          listeners.forEach(listener => listener())
          return
        }
        if (fault === 'lose-reply') doomed.add(frame.readInt32BE(8))
        upstream.write(frame)
      }
    })
    upstream.on('data', chunk => {
      for (const frame of framesOf(replies, chunk)) {
        if (doomed.has(frame.readInt32BE(4))) {
          client.destroy()
          listeners.forEach(listener => listener())
          return
        }
        for (let at = frame.indexOf(theirs); at >= 0; at = frame.indexOf(theirs, at + 1)) own.copy(frame, at)
        client.write(frame)
      }
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const ownPort = (server.address() as AddressInfo).port
  own = address(ownPort)
  theirs = address(Number(port))
  const cutAll = (): void => sockets.forEach(socket => socket.destroy())
  return {
    broker: `${host}:${ownPort}`,
    failNext: (apiKey, fault) => faults.set(apiKey, fault),
    onFault: listener => listeners.push(listener),
    cutAll,
    setDown: down => {
      isDown = down
      if (down) cutAll()
    },
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        cutAll()
      }),
  }
}
