// npm run test:faults [-- storm] [-- servers] [-- disk] [-- memory]: what the tests do once and shortly, for long and by chance.
//   SLUICE_CHAOS_MINUTES (5)   how long each part takes, about
//   SLUICE_CHAOS_SEED          repeats a run
//   SLUICE_CHAOS_STACK         a running stack to use, whose servers are killed; without it one is started, and removed afterwards
import { randomBytes } from 'node:crypto'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openCassandra } from '../../src/app/adapters.ts'
import { stopSignal } from '../../src/cli/until-stopped.ts'
import { systemClock } from '../../src/core/clock.ts'
import { createRandom } from '../../src/core/random.ts'
import { migrateCassandra } from '../../src/orders/migrations/cassandra.ts'
import { runDisk, serversWithDisks } from './disk/run-disk.ts'
import { whyNoSmallDisk } from './disk/small-disk.ts'
import { runExhaustion, runSlowConsumer } from './memory/run-memory.ts'
import { runServers } from './servers/run-servers.ts'
import { openServers, type ServerControl } from './servers/server-control.ts'
import { eachOnce, strikeAt, type Strike } from './servers/strike.ts'
import { runStorm } from './storm/run-storm.ts'
import { renderReport } from './support/report.ts'
import type { ChaosReport } from './support/report.ts'

const clock = systemClock
const stopping = stopSignal()
const say = (line: string): void => void process.stdout.write(`${line}\n`)
const seed = Number(process.env['SLUICE_CHAOS_SEED'] ?? `${clock.now() % 1_000_000}`)
const durationMs = Number(process.env['SLUICE_CHAOS_MINUTES'] ?? '5') * 60_000
const newRun = (): string => `f${randomBytes(4).toString('hex')}`

const show = (report: ChaosReport, further: object): boolean => {
  say(`\n${renderReport(report)}\n\n${JSON.stringify(further, null, 2)}`)
  return report.ok
}

const storm = async ({ config }: ServerControl): Promise<boolean> => {
  const keyspace = `storm_${newRun()}`
  const cassandra = await openCassandra(config, { withKeyspace: false })
  await migrateCassandra({
    cassandra,
    keyspace,
    datacenter: config.cassandraDatacenter,
    replicationFactor: 1,
  })
  const outcome = await runStorm({
    servers: {
      kafka: config.kafkaBrokers.join(','),
      registry: config.registryUrl,
      cassandra: config.cassandraContactPoints.join(','),
      datacenter: config.cassandraDatacenter,
      keyspace,
    },
    seed,
    durationMs,
    // The default of a worker; dead ones are missed after it.
    sessionTimeoutMs: 6_000,
    perSecond: 150,
    logFolder: await mkdtemp(join(tmpdir(), 'sluice-storm-')),
    clock,
  })
  await cassandra.define(`DROP KEYSPACE ${keyspace}`)
  await cassandra.close()
  say(JSON.stringify(outcome, null, 2))
  return outcome.faults.length === 0
}

/** Each fault once, then by chance until the time is over. */
function* strikesFor(ms: number): Generator<Strike> {
  const random = createRandom(seed)
  const startedAt = clock.now()
  yield* eachOnce
  while (clock.now() - startedAt < ms && !stopping.aborted) yield strikeAt(random)
}

const strikeServers = async (servers: ServerControl): Promise<boolean> => {
  const outcome = await runServers({
    servers,
    seed,
    run: newRun(),
    strikes: strikesFor(durationMs),
    onProgress: say,
  })
  return show(outcome, { statuses: outcome.statuses, ended: outcome.ended })
}

const fillDisks = async (servers: ServerControl): Promise<boolean> => {
  const reason = whyNoSmallDisk()
  if (reason !== undefined) {
    say(`disk: left out, because ${reason}`)
    return true
  }
  let ok = true
  for (const server of serversWithDisks) {
    if (stopping.aborted) break
    const outcome = await runDisk({ servers, server, seed, run: newRun(), fullMs: 20_000, onProgress: say })
    ok = show(outcome, { statuses: outcome.statuses, serverEnded: outcome.serverEnded }) && ok
  }
  return ok
}

const exhaustMemory = async (servers: ServerControl): Promise<boolean> => {
  // A process needs half a minute to fill its heap.
  const common = { servers, seed, durationMs: Math.max(durationMs / 2, 60_000), onProgress: say }
  const { largestRssMb, largestHeapMb, lag, membershipsLost, ended, ...slow } = await runSlowConsumer({
    ...common,
    run: newRun(),
  })
  const isBounded = show(slow, { largestRssMb, largestHeapMb, lag, membershipsLost, ended })
  const { deaths, ...exhausted } = await runExhaustion({ ...common, run: newRun() })
  return show(exhausted, { deaths }) && isBounded && ended.length === 0
}

const parts = { storm, servers: strikeServers, disk: fillDisks, memory: exhaustMemory }
type Part = keyof typeof parts
const isPart = (text: string): text is Part => Object.hasOwn(parts, text)

const asked = process.argv.slice(2)
const unknown = asked.filter(text => !isPart(text))
if (unknown.length > 0)
  throw new Error(`there is no part ${unknown.join(', ')}; there are ${Object.keys(parts).join(', ')}`)
const servers = await openServers(process.env, clock)
try {
  for (const part of asked.length === 0 ? (Object.keys(parts) as Part[]) : asked.filter(isPart)) {
    if (stopping.aborted) break
    say(`${part}, seed ${seed}`)
    if (!(await parts[part](servers))) process.exitCode = 1
  }
} finally {
  await servers.close()
}
