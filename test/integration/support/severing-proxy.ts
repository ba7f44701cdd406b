import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

/** A TCP proxy that can lose the reply to a request. */
export interface SeveringProxy {
  readonly port: number
  /**
   * The next request that contains `marker` reaches the server; when its reply comes, the connection is cut instead.
   * Resolves when that has happened.
   */
  loseReplyTo(marker: string): Promise<void>
  /** The next request that contains `marker` does not reach the server: the connection is cut. */
  loseRequest(marker: string): Promise<void>
  /** Cuts every connection, and every new one as soon as it is made. */
  goAway(): void
  comeBack(): void
  close(): Promise<void>
}

interface Plan {
  readonly marker: string
  readonly what: 'request' | 'reply'
  readonly done: () => void
}

/** Listens on a free loopback port and forwards to `target`. */
export const startSeveringProxy = async (target: { host: string; port: number }): Promise<SeveringProxy> => {
  const sockets = new Set<Socket>()
  let plan: Plan | undefined
  let away = false
  const cutAll = (): void => {
    for (const socket of sockets) socket.destroy()
  }

  const server = createServer(client => {
    if (away) {
      client.on('error', () => {})
      client.destroy()
      return
    }
    const upstream = connect(target)
    let losing: Plan | undefined
    const cut = (by: Plan): void => {
      client.destroy()
      upstream.destroy()
      by.done()
    }
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        client.destroy()
        upstream.destroy()
      })
    }
    client.on('data', (chunk: Buffer) => {
      if (plan !== undefined && chunk.includes(plan.marker)) {
        losing = plan
        plan = undefined
        if (losing.what === 'request') {
          cut(losing)
          return
        }
      }
      upstream.write(chunk)
    })
    upstream.on('data', (chunk: Buffer) => {
      if (losing === undefined) client.write(chunk)
      // The end of an answer, ReadyForQuery while idle: by then the transaction has been committed.
      else if (chunk.includes(Buffer.from([0x5a, 0, 0, 0, 5, 0x49]))) cut(losing)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const lose = (what: Plan['what'], marker: string): Promise<void> =>
    new Promise(resolve => {
      plan = { marker, what, done: resolve }
    })
  return {
    port: (server.address() as AddressInfo).port,
    loseReplyTo: marker => lose('reply', marker),
    loseRequest: marker => lose('request', marker),
    goAway: () => {
      away = true
      cutAll()
    },
    comeBack: () => {
      away = false
    },
    close: () =>
      new Promise(resolve => {
        cutAll()
        server.close(() => resolve())
      }),
  }
}
