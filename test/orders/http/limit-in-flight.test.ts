import { once } from 'node:events'
import { connect } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import Fastify from 'fastify'
import type { FastifyInstance } from 'fastify'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { silentLogger } from '../../../src/core/log.ts'
import { errorHandler } from '../../../src/orders/http/error-answer.ts'
import { limitInFlight } from '../../../src/orders/http/limit-in-flight.ts'

/** A handler that began, and waits. */
interface Work {
  finish(): void
}

let inFlight: number
let next: PromiseWithResolvers<void>
let begun: PromiseWithResolvers<Work>
let app: FastifyInstance

beforeEach(async () => {
  inFlight = 0
  next = Promise.withResolvers()
  begun = Promise.withResolvers()
  app = Fastify()
  app.setErrorHandler(errorHandler(silentLogger))
  limitInFlight(app, 1, change => {
    inFlight += change
    next.resolve()
    next = Promise.withResolvers()
  })
  app.post('/', async () => {
    const gate = Promise.withResolvers<void>()
    begun.resolve({ finish: gate.resolve })
    await gate.promise
    return 'done'
  })
  app.get('/', async () => 'free')
  await app.listen({ host: '127.0.0.1', port: 0 })
})

afterEach(() => app.close())

const send = (text: string): Socket => {
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write(text)
  return socket
}

const leave = async (socket: Socket): Promise<void> => {
  const closed = once(socket, 'close')
  socket.destroy()
  await closed
}

const statusOf = async (): Promise<number> => (await app.inject({ method: 'GET', url: '/' })).statusCode
const whole = 'POST / HTTP/1.1\r\nhost: h\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\nab'

test('a request whose client goes before the answer counts until its work is done, and no longer', async () => {
  const closed = Promise.withResolvers<void>()
  app.server.once('connection', socket => socket.once('close', () => closed.resolve()))
  const socket = send(whole)
  const work = await begun.promise
  await leave(socket)
  await closed.promise
  expect(await statusOf()).toBe(503)
  const changed = next.promise
  work.finish()
  await changed
  expect(inFlight).toBe(0)
  expect(await statusOf()).toBe(200)
})

test('a request whose client goes before all of it has come counts no longer', async () => {
  const changed = next.promise
  const socket = send(whole.slice(0, -1))
  await changed
  expect(inFlight).toBe(1)
  const over = next.promise
  await leave(socket)
  await over
  expect(inFlight).toBe(0)
  expect(await statusOf()).toBe(200)
})

test('what is answered, or refused, counts no longer', async () => {
  expect(await statusOf()).toBe(200)
  expect(
    (
      await app.inject({
        method: 'POST',
        url: '/',
        payload: '{',
        headers: { 'content-type': 'application/json' },
      })
    ).statusCode,
  ).toBe(400)
  expect(inFlight).toBe(0)
})
