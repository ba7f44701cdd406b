import { connect } from 'node:net'

/** Sends one request over TCP to a port of loopback and resolves with the first piece of the answer. */
export const exchange = (port: number, request: Buffer, patienceMs = 2_000): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => socket.write(request))
    socket.setTimeout(patienceMs, () => socket.destroy(new Error('no answer')))
    socket.once('data', answer => {
      socket.destroy()
      resolve(answer)
    })
    socket.once('error', reject)
    socket.once('close', () => reject(new Error('closed without an answer')))
  })
