import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Client as CassandraClient } from 'cassandra-driver'
import { Client } from 'pg'
import { describe, expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { stackDown } from '../../src/stack/down.ts'
import { findJava } from '../../src/stack/java.ts'
import { layoutOf, type StackLayout } from '../../src/stack/layout.ts'
import { portsFrom } from '../../src/stack/ports.ts'
import { runningPid } from '../../src/stack/processes.ts'
import { stackServers } from '../../src/stack/servers/index.ts'
import { kafkaServer } from '../../src/stack/servers/kafka.ts'
import type { StackServer } from '../../src/stack/servers/server.ts'
import { stackUp } from '../../src/stack/up.ts'
import { claimStack, testStackName } from './support/stale-stacks.ts'
import { stack, stackName } from './support/stack.ts'

const sluice = async (...args: readonly string[]): Promise<string> => {
  const root = new URL('../../', import.meta.url).pathname
  const { stdout } = await promisify(execFile)(`${root}bin/sluice`, [...args])
  return stdout
}

const query = async (url: string, text: string): Promise<unknown[]> => {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(text)).rows
  } finally {
    await client.end()
  }
}

describe('the stack of these tests', () => {
  it('is described exactly by stack status --json', async () => {
    const described = JSON.parse(await sluice('stack', 'status', '--name', stackName, '--json')) as object
    expect(described).toEqual(stack)
    const keys = ['api', 'postgres', 'kafka', 'cassandra', 'datacenter', 'registry', 'keyspace']
    expect(Object.keys(described)).toEqual(keys)
  })

  it('says so when it is brought up again', async () => {
    expect(await sluice('stack', 'up', '--name', stackName)).toContain('is running already')
  })

  it('listens on loopback only', async () => {
    const pid = runningPid(layoutOf(stackName, process.env).pidFileOf('kafka'))
    // Addresses of listening sockets (state 0A) as the kernel prints them: hexadecimal, low byte first.
    const listening = ['tcp', 'tcp6'].flatMap(table =>
      readFileSync(`/proc/${pid}/net/${table}`, 'utf8')
        .split('\n')
        .map(line => line.trim().split(/\s+/))
        .filter(columns => columns[3] === '0A')
        .map(columns => columns[1]?.split(':') ?? []),
    )
    const ours = [stack.postgres, `a://${stack.kafka}`, `a://${stack.cassandra}`, stack.registry].map(url =>
      Number(new URL(url).port),
    )
    const addresses = listening
      .filter(([, port = '']) => ours.includes(Number.parseInt(port, 16)))
      .map(([address]) => address)
    expect(addresses.length).toBe(ours.length)
    for (const address of addresses) expect(address).toMatch(/^(0100007F|0{16}FFFF00000100007F)$/)
  })

  it('decodes the log of Postgres and lets Cassandra compare and set the newer way', async () => {
    expect(await query(stack.postgres, 'SHOW wal_level')).toEqual([{ wal_level: 'logical' }])
    const client = new CassandraClient({
      contactPoints: [stack.cassandra],
      localDataCenter: stack.datacenter,
    })
    onTestFinished(() => client.shutdown())
    const settings = await client.execute(
      "SELECT value FROM system_views.settings WHERE name = 'paxos_variant'",
    )
    expect(settings.first()?.['value']).toBe('v2')
  })
})

it('formats the log of Kafka with a cluster id that begins with a dash, as one in 64 does', async () => {
  const layout = layoutOf(testStackName(randomBytes(4).toString('hex')), process.env)
  claimStack(layout)
  onTestFinished(async () => void (await stackDown(layout, { clock: systemClock, deleteAll: true })))
  const kafkaClusterId = '-9Q2zV0kTYyXJ4m1sWc8bA'
  await kafkaServer.prepare({
    layout,
    ports: portsFrom(20_000),
    java: await findJava(process.env),
    kafkaClusterId,
    clock: systemClock,
  })
  const formatted = readFileSync(join(layout.dataOf('kafka'), 'data', 'meta.properties'), 'utf8')
  expect(formatted).toContain(`cluster.id=${kafkaClusterId}`)
})

describe('a stack of Postgres and the schema registry', () => {
  const servers = stackServers.filter(({ name }) => name === 'postgres' || name === 'registry')

  const registered = async (registry: string): Promise<unknown> => {
    const response = await fetch(`${registry}/subjects`)
    return response.json()
  }

  const kill = async (layout: StackLayout, { name }: StackServer): Promise<void> => {
    process.kill(runningPid(layout.pidFileOf(name)) ?? 0, 'SIGKILL')
    await expect.poll(() => runningPid(layout.pidFileOf(name)), { timeout: 20_000 }).toBeUndefined()
  }

  it('keeps its data through a killing and a rest, and not through a fresh start', async () => {
    const layout = layoutOf(testStackName(randomBytes(4).toString('hex')), process.env)
    claimStack(layout)
    const common = { environment: process.env, clock: systemClock, servers }
    onTestFinished(async () => void (await stackDown(layout, { ...common, deleteAll: true })))
    const { urls } = await stackUp(layout, common)
    await query(urls.postgres, 'CREATE TABLE kept AS SELECT 42 AS answer')
    const post = {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"schema":"\\"string\\""}',
    }
    expect(await (await fetch(`${urls.registry}/subjects/kept/versions`, post)).json()).toEqual({ id: 1 })

    for (const server of servers) await kill(layout, server)
    expect(await stackUp(layout, common)).toEqual({ urls, started: ['postgres', 'registry'] })
    expect(await query(urls.postgres, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }])
    expect(await registered(urls.registry)).toEqual(['kept'])

    await stackDown(layout, common)
    await stackUp(layout, common)
    expect(await query(urls.postgres, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }])
    expect(await registered(urls.registry)).toEqual(['kept'])

    await stackUp(layout, { ...common, fresh: true })
    expect(await query(urls.postgres, "SELECT to_regclass('kept') AS found")).toEqual([{ found: null }])
    expect(await registered(urls.registry)).toEqual([])
  })
})
