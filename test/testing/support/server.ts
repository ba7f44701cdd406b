import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { ByteQueue, takeFrames } from '../../../src/testing/byte-queue.ts'
import { kafkaFrame } from './frames.ts'

export interface TestServer {
  /** `host:port`. */
  readonly address: string
  /** Bodies of the frames that have arrived, in order, each as text. */
  readonly seen: string[]
  close(): Promise<void>
}

/** A server that gets Kafka's frames and answers each with what `reply` gives; without one with the request's own body. */
export const startTestServer = async (
  reply: (frame: Buffer) => Buffer = frame =>
    kafkaFrame({ id: frame.readInt32BE(8), body: frame.subarray(15), isReply: true }),
): Promise<TestServer> => {
  const sockets = new Set<Socket>()
  const seen: string[] = []
  const server = createServer(socket => {
    sockets.add(socket)
    const queue = new ByteQueue()
    socket.on('error', () => {})
    socket.on('data', chunk => {
      queue.push(chunk)
      for (const frame of takeFrames(queue, 4, head => 4 + head.readInt32BE(0))) {
        seen.push(frame.subarray(15).toString())
        socket.write(reply(frame))
      }
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    close: () => {
      for (const socket of sockets) socket.destroy()
      return new Promise(resolve => {
        server.close(() => resolve())
      })
    },
  }
}
