import { createServer } from 'node:net'
import type { AddressInfo, Server } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { ReplicationStream } from '../../src/cdc/replication-stream.ts'
import { TransactionDecoder } from '../../src/cdc/transaction-decoder.ts'

const message = (type: string, body: Buffer = Buffer.alloc(0)): Buffer => {
  const length = Buffer.alloc(4)
  length.writeInt32BE(body.length + 4)
  return Buffer.concat([Buffer.from(type), length, body])
}

/** Logs anybody in and is ready for a statement. */
const welcome = Buffer.concat([message('R', Buffer.alloc(4)), message('Z', Buffer.from('I'))])
/** Begins to stream, both ways, without columns. */
const streaming = message('W', Buffer.alloc(3))
const keepalive = message('d', Buffer.concat([Buffer.from('k'), Buffer.alloc(17)]))

let server: Server | undefined

/** The other end of a connection: what follows the login is up to `onMessage`. */
const serve = async (onMessage: (type: string, body: Buffer) => Buffer | undefined): Promise<string> => {
  server = createServer(socket => {
    socket.on('error', () => {})
    let isWelcome = false
    socket.on('data', bytes => {
      if (!isWelcome) socket.write(welcome)
      else {
        const answer = onMessage(String.fromCharCode(bytes[0] ?? 0), bytes.subarray(5))
        if (answer !== undefined) socket.write(answer)
      }
      isWelcome = true
    })
  })
  await new Promise<void>(listening => server?.listen(0, '127.0.0.1', listening))
  return `postgres://u:p@127.0.0.1:${(server.address() as AddressInfo).port}/d`
}

afterEach(() => {
  server?.close()
})

const streamFrom = (postgresUrl: string): ReplicationStream =>
  new ReplicationStream({
    postgresUrl,
    applicationName: 'test',
    slot: 's',
    publication: 'p',
    decoder: new TransactionDecoder(
      {
        phase: 'stream',
        owner: 'o',
        systemId: '7',
        timeline: 1,
        slot: 's',
        commitLsn: 1n,
        index: -1,
        confirmedLsn: 1n,
        lastCommitLsn: null,
      },
      'public',
      'outbox_event',
    ),
    confirmedLsn: 1n,
    maxQueuedBytes: 1_000,
    statusIntervalMs: 20,
  })

test('a connection on which nothing comes is given up, to be made again', async () => {
  const stream = streamFrom(await serve(type => (type === 'Q' ? streaming : undefined)))
  await stream.open()
  await expect(stream.take(1, 1)).rejects.toMatchObject({
    code: 'SLUICE_RELAY_POSTGRES_UNAVAILABLE',
    reaction: 'retry',
  })
  await stream.close()
})

test('a quiet server that answers when asked is kept', async () => {
  let asked = 0
  const stream = streamFrom(
    await serve((type, body) => {
      if (type === 'Q') return streaming
      const isReplyWanted = type === 'd' && body.at(33) === 1
      if (!isReplyWanted) return undefined
      asked += 1
      if (asked === 10) stream.interrupt(new Error('asked often enough'))
      return keepalive
    }),
  )
  await stream.open()
  await expect(stream.take(1, 1)).rejects.toThrow('asked often enough')
  await stream.close()
})

test('opening ends at an interruption, though the server never begins to stream', async () => {
  const stream = streamFrom(
    await serve(() => {
      stream.interrupt(new Error('stopped'))
      return undefined
    }),
  )
  await expect(stream.open()).rejects.toThrow('stopped')
  await stream.close()
})
