import { Client } from 'cassandra-driver'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { connectCassandra } from '../../src/cassandra/client.ts'
import { keepKnownHosts } from '../../src/cassandra/control-connection.ts'
import { startCassandraFaultProxy, type CassandraFaultProxy } from '../../src/testing/index.ts'
import { stack } from './support/stack.ts'

// What cassandra-driver does when none of its hosts is within reach.

const query = 'SELECT cluster_name FROM system.local'
const outages = 5
let proxies: CassandraFaultProxy[] = []
let proxy: CassandraFaultProxy

const open = async (): Promise<CassandraFaultProxy> => {
  const opened = await startCassandraFaultProxy(stack.cassandra)
  proxies.push(opened)
  return opened
}

beforeEach(async () => {
  proxy = await open()
})
afterEach(async () => {
  await Promise.all(proxies.map(one => one.close()))
  proxies = []
})

test('however often all connections are lost, there are as many again', async () => {
  const cassandra = await connectCassandra({
    contactPoints: proxy.address,
    datacenter: stack.datacenter,
  })
  const read = (): Promise<number> =>
    cassandra.read({ query, params: [] }, 'quorum').then(rows => rows.length)
  try {
    await read()
    const before = proxy.connections
    for (let outage = 0; outage < outages; outage += 1) {
      proxy.cutAll()
      await expect.poll(() => read().catch(() => 0), { timeout: 20_000 }).toBe(1)
    }
    await expect.poll(() => proxy.connections, { timeout: 10_000 }).toBe(before)
  } finally {
    await cassandra.close()
  }
  await expect.poll(() => proxy.connections).toBe(0)
})

test('hosts that come back at another address are found', async () => {
  const contactPoints = [proxy.address]
  const client = new Client({
    contactPoints,
    localDataCenter: stack.datacenter,
    socketOptions: { connectTimeout: 2_000, readTimeout: 2_000 },
  })
  keepKnownHosts(client)
  await client.connect()
  try {
    const elsewhere = await open()
    // As when a name leads somewhere else.
    contactPoints[0] = elsewhere.address
    proxy.setDown(true)
    const rows = (): Promise<number> =>
      client.execute(query).then(
        ({ rowLength }) => rowLength,
        () => 0,
      )
    await expect.poll(rows, { timeout: 20_000 }).toBe(1)
    expect(elsewhere.connections).toBeGreaterThan(0)
    expect(elsewhere.connections).toBeLessThan(4)
  } finally {
    await client.shutdown()
  }
})
