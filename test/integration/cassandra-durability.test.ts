import { randomBytes } from 'node:crypto'
import { expect, it, onTestFinished } from 'vitest'
import { connectCassandra } from '../../src/cassandra/client.ts'
import { systemClock } from '../../src/core/clock.ts'
import { stackDown } from '../../src/stack/down.ts'
import { layoutOf } from '../../src/stack/layout.ts'
import { runningPid } from '../../src/stack/processes.ts'
import { cassandraServer } from '../../src/stack/servers/cassandra.ts'
import { stackUp } from '../../src/stack/up.ts'
import { claimStack, testStackName } from './support/stale-stacks.ts'

it('has every write that it has acknowledged, after kill -9', { timeout: 400_000 }, async () => {
  const layout = layoutOf(testStackName(randomBytes(4).toString('hex')), process.env)
  const options = { environment: process.env, clock: systemClock, servers: [cassandraServer] }
  claimStack(layout)
  onTestFinished(async () => {
    await stackDown(layout, { clock: systemClock, deleteAll: true, servers: [cassandraServer] })
  })
  const { urls } = await stackUp(layout, options)
  const connect = () =>
    connectCassandra({
      contactPoints: urls.cassandra,
      datacenter: urls.datacenter,
      requestTimeoutMs: 20_000,
    })
  const before = await connect()
  await before.define(
    `CREATE KEYSPACE durable WITH replication = {'class': 'NetworkTopologyStrategy', '${urls.datacenter}': 1}`,
  )
  await before.define('CREATE TABLE durable.numbers (number int PRIMARY KEY)')
  const query = 'INSERT INTO durable.numbers (number) VALUES (?) IF NOT EXISTS'
  const acknowledged = 200
  for (let number = 0; number < acknowledged; number += 1) {
    const { outcome } = await before.conditional([{ query, params: [number] }])
    expect(outcome).toBe('applied')
  }
  process.kill(runningPid(layout.pidFileOf('cassandra')) ?? 0, 'SIGKILL')
  await expect.poll(() => runningPid(layout.pidFileOf('cassandra')), { timeout: 10_000 }).toBeUndefined()
  await before.close()

  await stackUp(layout, options)
  const after = await connect()
  const rows = await after.read({ query: 'SELECT number FROM durable.numbers', params: [] }, 'serial')
  await after.close()
  expect(rows).toHaveLength(acknowledged)
})
