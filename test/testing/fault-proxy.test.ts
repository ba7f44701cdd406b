import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ByteQueue, takeFrames } from '../../src/testing/byte-queue.ts'
import { addressOf } from '../../src/testing/fault-proxy.ts'
import { renderFaults, startKafkaFaultProxy } from '../../src/testing/index.ts'
import type { KafkaFaultProxy } from '../../src/testing/index.ts'
import { kafkaFrame } from './support/frames.ts'
import { startTestServer } from './support/server.ts'
import type { TestServer } from './support/server.ts'

// A server that repeats what it is told, a client that counts what comes back, and the proxy between them.

const endTxn = 26

interface TestClient {
  readonly replies: string[]
  /** Sizes of the pieces in which bytes came. */
  readonly chunks: number[]
  /** How the connection ended; undefined while it is open. */
  readonly ended: () => string | undefined
  ask(text: string, key?: number): void
}

let server: TestServer
let proxy: KafkaFaultProxy
const sockets: Socket[] = []

beforeEach(async () => {
  server = await startTestServer()
  proxy = await startKafkaFaultProxy(server.address)
})
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await proxy.close()
  await server.close()
})

const newClient = (): TestClient => {
  const { host, port } = addressOf(proxy.address)
  const socket = connect(port, host)
  sockets.push(socket)
  const queue = new ByteQueue()
  const replies: string[] = []
  const chunks: number[] = []
  let ended: string | undefined
  let correlationId = 0
  socket.on('error', error => {
    ended = (error as NodeJS.ErrnoException).code
  })
  socket.on('close', () => {
    ended ??= 'closed'
  })
  socket.on('data', chunk => {
    chunks.push(chunk.length)
    queue.push(chunk)
    for (const frame of takeFrames(queue, 4, head => 4 + head.readInt32BE(0)))
      replies.push(frame.subarray(8).toString())
  })
  return {
    replies,
    chunks,
    ended: () => ended,
    ask: (text, key = endTxn) => {
      correlationId += 1
      socket.write(kafkaFrame({ key, id: correlationId, body: Buffer.from(text) }))
    },
  }
}

const until = (look: () => void): Promise<void> => vi.waitFor(look, { timeout: 5_000, interval: 2 })

test('without a rule all passes, in order', async () => {
  const client = newClient()
  const texts = Array.from({ length: 50 }, (_, index) => `${index}`)
  for (const text of texts) client.ask(text)
  await until(() => expect(client.replies).toEqual(texts))
  expect(proxy.faults).toEqual([])
})

test('a request that is cut never arrives, and its connection is reset', async () => {
  const client = newClient()
  const cut = proxy.inject({ api: 'EndTxn', mentions: 'doomed', fault: { kind: 'cut', side: 'request' } })
  client.ask('before')
  client.ask('doomed', 12)
  client.ask('doomed')
  await cut.done
  await until(() => expect(client.ended()).toBe('ECONNRESET'))
  expect(server.seen).toEqual(['before', 'doomed'])
})

test('a reply that is cut was done, and its connection is reset', async () => {
  const client = newClient()
  const cut = proxy.inject({ api: 'EndTxn', fault: { kind: 'cut', side: 'reply' } })
  client.ask('done')
  await cut.done
  await until(() => expect(client.ended()).toBe('ECONNRESET'))
  expect(server.seen).toEqual(['done'])
  expect(client.replies).toEqual([])
})

test.each(['request', 'reply'] as const)('a %s that is dropped leaves the connection alone', async side => {
  const client = newClient()
  const dropped = proxy.inject({ api: 'EndTxn', skip: 1, fault: { kind: 'drop', side } })
  for (const text of ['one', 'two', 'three']) client.ask(text)
  await dropped.done
  await until(() => expect(client.replies).toEqual(['one', 'three']))
  expect(server.seen).toEqual(side === 'request' ? ['one', 'three'] : ['one', 'two', 'three'])
  expect(client.ended()).toBeUndefined()
})

test('a late request arrives when it is released, although its client is gone', async () => {
  const late = proxy.inject({ api: 'EndTxn', fault: { kind: 'late' } })
  const first = newClient()
  first.ask('late')
  await late.done
  await until(() => expect(first.ended()).toBe('ECONNRESET'))
  const second = newClient()
  second.ask('in time')
  await until(() => expect(second.replies).toEqual(['in time']))
  expect(late.held).toBe(1)
  late.release()
  await late.arrivals(1)
  expect(server.seen).toEqual(['in time', 'late'])
  expect(first.replies).toEqual([])
  await until(() => expect(proxy.connections).toBe(1))
})

test('a late request of a patient client is answered in the end', async () => {
  const client = newClient()
  proxy.inject({ mentions: 'late', fault: { kind: 'late', delayMs: 50, cut: false } })
  client.ask('late')
  client.ask('in time')
  await until(() => expect(client.replies).toEqual(['in time', 'late']))
})

test('a replayed request arrives twice, and is answered once', async () => {
  const client = newClient()
  const replayed = proxy.inject({ mentions: 'twice', fault: { kind: 'replay' } })
  client.ask('twice')
  client.ask('once')
  await until(() => expect(client.replies).toEqual(['twice', 'once']))
  replayed.release()
  await replayed.arrivals(1)
  expect(server.seen).toEqual(['twice', 'once', 'twice'])
  expect(client.replies).toEqual(['twice', 'once'])
})

test('a delayed reply holds up those after it, where replies have an order', async () => {
  const client = newClient()
  proxy.inject({ mentions: 'slow', fault: { kind: 'delay', side: 'reply', delayMs: 60 } })
  client.ask('slow')
  client.ask('fast')
  await until(() => expect(server.seen).toEqual(['slow', 'fast']))
  expect(client.replies).toEqual([])
  await until(() => expect(client.replies).toEqual(['slow', 'fast']))
})

test('a sliced reply comes byte by byte, and whole', async () => {
  const client = newClient()
  proxy.inject({ fault: { kind: 'slice', side: 'reply' } })
  client.ask('sliced')
  await until(() => expect(client.replies).toEqual(['sliced']))
  expect(client.chunks.length).toBeGreaterThan(1)
})

test('a bandwidth makes a large reply trickle', async () => {
  const client = newClient()
  proxy.inject({ fault: { kind: 'bandwidth', side: 'reply', bytesPerSecond: 20_000 } })
  const text = 'x'.repeat(4_000)
  client.ask(text)
  await until(() => expect(client.replies).toEqual([text]))
  expect(client.chunks.length).toBeGreaterThanOrEqual(4)
})

test('a blackhole swallows all that comes after, and closes nothing', async () => {
  const client = newClient()
  const hole = proxy.inject({ mentions: 'last', fault: { kind: 'blackhole', side: 'reply' } })
  client.ask('first')
  client.ask('last')
  client.ask('never')
  await hole.done
  const other = newClient()
  other.ask('elsewhere')
  await until(() => expect(other.replies).toEqual(['elsewhere']))
  expect(client.replies).toEqual(['first'])
  expect(client.ended()).toBeUndefined()
})

test('an answer in the place of what was done is told from one in the place of doing it', async () => {
  const client = newClient()
  const done = proxy.inject({
    api: 'Heartbeat',
    fault: { kind: 'answer', error: { code: 27 }, isDone: true },
  })
  const refused = proxy.inject({ api: 'EndTxn', fault: { kind: 'answer', error: { code: 47 } } })
  const ask = (key: number, version: number, id: number): void => {
    sockets[0]?.write(kafkaFrame({ key, version, id, body: Buffer.from(`api ${key}`) }))
  }
  ask(12, 4, 1)
  ask(endTxn, 4, 2)
  await Promise.all([done.done, refused.done])
  await until(() => expect(client.replies).toHaveLength(2))
  expect(server.seen).toEqual(['api 12'])
})

test('while frozen nothing passes, and nothing is lost', async () => {
  const client = newClient()
  client.ask('before')
  await until(() => expect(client.replies).toEqual(['before']))
  proxy.setFrozen(true)
  client.ask('during')
  const other = newClient()
  other.ask('new')
  await new Promise(resolve => setTimeout(resolve, 50))
  expect(server.seen).toEqual(['before'])
  proxy.setFrozen(false)
  await until(() => expect([...client.replies, ...other.replies]).toEqual(['before', 'during', 'new']))
})

test('while down, connections are reset, old and new', async () => {
  const old = newClient()
  old.ask('before')
  await until(() => expect(old.replies).toEqual(['before']))
  proxy.setDown(true)
  const refused = newClient()
  refused.ask('during')
  await until(() => expect([old.ended(), refused.ended()]).toEqual(['ECONNRESET', 'ECONNRESET']))
  proxy.setDown(false)
  const after = newClient()
  after.ask('after')
  await until(() => expect(after.replies).toEqual(['after']))
})

test('a fault that could not strike, for the connection ended first, strikes the next', async () => {
  const slow = await startTestServer(() => Buffer.alloc(0))
  const silent = await startKafkaFaultProxy(slow.address)
  const cut = silent.inject({ fault: { kind: 'cut', side: 'reply' } })
  const { host, port } = addressOf(silent.address)
  const socket = connect(port, host)
  socket.write(kafkaFrame({ id: 1 }))
  await until(() => expect(slow.seen).toHaveLength(1))
  socket.destroy()
  await until(() => expect(silent.connections).toBe(0))
  expect(cut.struck).toBe(0)
  const again = silent.inject({ fault: { kind: 'drop', side: 'request' } })
  const next = connect(port, host)
  next.write(kafkaFrame({ id: 1 }))
  await until(() => expect(slow.seen).toHaveLength(2))
  // The first rule has it again: the second saw nothing.
  expect(again.struck).toBe(0)
  next.destroy()
  await silent.close()
  await slow.close()
})

test('a report counts what struck', async () => {
  const client = newClient()
  const delayed = proxy.inject({ times: 2, fault: { kind: 'slice', side: 'request' } })
  client.ask('one')
  client.ask('two')
  await delayed.done
  expect(
    renderFaults(proxy.faults)
      .split('\n')
      .map(line => line.split(/\s+/)),
  ).toEqual([
    ['server', 'request', 'fault', 'times'],
    ['kafka', 'EndTxn', 'slice', 'request', '2'],
    ['', 'all', '2'],
  ])
  expect(proxy.faults[0]).toMatchObject({ protocol: 'kafka', api: 'EndTxn', connection: 1 })
})
