import { execFile, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { findJava } from '../../../src/stack/java.ts'
import { layoutOf } from '../../../src/stack/layout.ts'

const run = promisify(execFile)
const pathOf = (name: string): string => fileURLToPath(new URL(`../../${name}`, import.meta.url))
const documentFile = pathOf('../docs/debezium.md')
const pluginGoal = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:build-classpath'

/** A Java with Debezium's engine on its class path. */
interface DebeziumJava {
  readonly java: string
  readonly classPath: string
}

/** That Java, or why there is none on this machine. */
export type DebeziumPeer = DebeziumJava | { readonly missing: string }

/** Connector settings as they would be posted to Kafka Connect. */
export type ConnectorSettings = Readonly<Record<string, string>>

/** The settings that docs/debezium.md recommends: the first JSON block in it. */
export const documentedSettings = (): ConnectorSettings => {
  const block = /```json\n([\s\S]*?)```/.exec(readFileSync(documentFile, 'utf8'))?.[1]
  if (block === undefined) throw new Error(`${documentFile} has no JSON block`)
  return JSON.parse(block) as ConnectorSettings
}

/** The documented settings for these servers; `changes` come last. */
export const connectorSettings = (
  servers: { readonly postgres: string; readonly registry: string },
  changes: ConnectorSettings,
): ConnectorSettings => {
  const postgres = new URL(servers.postgres)
  return {
    ...documentedSettings(),
    'database.hostname': postgres.hostname,
    'database.port': postgres.port,
    'database.user': decodeURIComponent(postgres.username),
    'database.password': decodeURIComponent(postgres.password),
    'database.dbname': postgres.pathname.slice(1),
    'value.converter.apicurio.registry.url': new URL('/apis/registry/v2', servers.registry).href,
    ...changes,
  }
}

/** Resolves the class path of test/peers/debezium/pom.xml once per content of it; Maven keeps the files. */
export const prepareDebezium = async (): Promise<DebeziumPeer> => {
  const java = await findJava(process.env).catch(() => undefined)
  if (java === undefined) return { missing: 'there is no Java 17' }
  const pom = pathOf('peers/debezium/pom.xml')
  const version = createHash('sha256').update(readFileSync(pom)).digest('hex').slice(0, 16)
  const folder = join(layoutOf('peers', process.env).cache, 'peers')
  const cached = join(folder, `debezium-${version}.classpath`)
  if (existsSync(cached)) {
    const classPath = readFileSync(cached, 'utf8')
    if (classPath.split(delimiter).every(existsSync)) return { java, classPath }
  }
  const hasMaven = await run('mvn', ['-version']).then(
    () => true,
    () => false,
  )
  if (!hasMaven) return { missing: 'there is no Maven (mvn)' }
  mkdirSync(folder, { recursive: true })
  const draft = `${cached}.${process.pid}`
  await run('mvn', ['-B', '-q', '-f', pom, pluginGoal, `-Dmdep.outputFile=${draft}`])
  renameSync(draft, cached)
  return { java, classPath: readFileSync(cached, 'utf8') }
}

const argumentsOf = (peer: DebeziumJava, main: string): string[] => [
  '-Xmx256m',
  '-XX:TieredStopAtLevel=1',
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
  '-cp',
  peer.classPath,
  main,
]

const sourceOf = (program: string): string => pathOf(`peers/debezium/${program}.java`)

/** A record as Debezium's transform `ExtractNewRecordState` leaves it: the row, with types by Connect's names. */
interface UnwrappedRecord {
  readonly key: string
  readonly isEnvelope: boolean
  readonly schema: string
  readonly fields: Readonly<Record<string, unknown>>
  readonly types: Readonly<Record<string, string>>
}

/** Reads a topic as a sink connector with these converter settings would, by test/peers/debezium/UnwrapPeer.java. */
export const unwrapTopic = async (
  peer: DebeziumJava,
  settings: ConnectorSettings,
  options: { readonly kafka: string; readonly topic: string; readonly folder: string },
): Promise<UnwrappedRecord[]> => {
  const settingsFile = join(options.folder, 'sink.json')
  writeFileSync(settingsFile, JSON.stringify(settings, null, 2))
  const { stdout } = await run(
    peer.java,
    [...argumentsOf(peer, sourceOf('UnwrapPeer')), settingsFile, options.kafka, options.topic],
    { maxBuffer: 16 * 1024 * 1024 },
  )
  const lines = stdout.split('\n').filter(line => line !== '')
  return lines.map(line => JSON.parse(line) as UnwrappedRecord)
}

/** A Debezium engine in a process of its own. */
export interface RunningDebezium {
  /** Records that Kafka has acknowledged. */
  readonly sent: () => number
  /** Resolves when the connector has begun to poll; rejects when the process has ended before. */
  started(): Promise<void>
  /** Ends the process, gracefully or not; resolves when it is gone. Rejects when the engine had failed by itself. */
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>
}

/**
 * Starts test/peers/debezium/DebeziumPeer.java. What it keeps between two lives (the engine's offsets) and its log are in `folder`.
 */
export const startDebezium = (
  peer: DebeziumJava,
  settings: ConnectorSettings,
  options: { readonly kafka: string; readonly folder: string },
): RunningDebezium => {
  const settingsFile = join(options.folder, 'connector.json')
  writeFileSync(settingsFile, JSON.stringify(settings, null, 2))
  const logFile = join(options.folder, 'debezium.log')
  const log = openSync(logFile, 'a')
  const offsetsFile = join(options.folder, 'offsets')
  const child = spawn(
    peer.java,
    [...argumentsOf(peer, sourceOf('DebeziumPeer')), settingsFile, options.kafka, offsetsFile],
    { stdio: ['ignore', 'pipe', log] },
  )
  closeSync(log)
  return watchDebezium(child, logFile)
}

const watchDebezium = (child: ChildProcess, logFile: string): RunningDebezium => {
  let sent = 0
  let failure: string | undefined
  let onStarted: () => void = () => {}
  const started = new Promise<void>(resolve => (onStarted = resolve))
  if (child.stdout === null) throw new Error('the process has no standard output')
  const lines = createInterface({ input: child.stdout })
  lines.on('line', line => {
    const { event, records, error } = JSON.parse(line) as { event: string; records?: number; error?: string }
    if (event === 'started') onStarted()
    sent += records ?? 0
    failure ??= error
  })
  const ended = new Promise<void>(resolve => child.once('close', () => resolve()))
  return {
    sent: () => sent,
    started: () =>
      Promise.race([
        started,
        ended.then(() => {
          throw new Error(`Debezium ended: ${failure ?? 'no reason given'}; its log is ${logFile}`)
        }),
      ]),
    stop: async (signal = 'SIGTERM') => {
      // What it tells later is of the stop: an engine that is stopped in the middle of a batch may call that a failure.
      const earlier = failure
      child.kill(signal)
      await ended
      if (earlier !== undefined) throw new Error(`Debezium failed: ${earlier}; its log is ${logFile}`)
    },
  }
}

/** Starts a Kafka Connect worker (standalone) with this one connector; its log is `connect.log` in `folder`. */
export const startConnect = (
  peer: DebeziumJava,
  settings: ConnectorSettings,
  options: { readonly kafka: string; readonly folder: string },
): { kill(): Promise<void> } => {
  const { folder, kafka } = options
  const worker = {
    'bootstrap.servers': kafka,
    'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
    'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
    'offset.storage.file.filename': join(folder, 'connect-offsets'),
    listeners: 'http://127.0.0.1:0',
  }
  const workerFile = join(folder, 'worker.properties')
  writeFileSync(
    workerFile,
    Object.entries(worker)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  )
  const connectorFile = join(folder, 'connector.json')
  writeFileSync(connectorFile, JSON.stringify({ name: 'outbox', config: settings }))
  const log = openSync(join(folder, 'connect.log'), 'a')
  const main = 'org.apache.kafka.connect.cli.ConnectStandalone'
  const child = spawn(peer.java, [...argumentsOf(peer, main), workerFile, connectorFile], {
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  const ended = new Promise<void>(resolve => child.once('close', () => resolve()))
  return {
    // Its own way of stopping can take a minute.
    kill: async () => {
      child.kill('SIGKILL')
      await ended
    },
  }
}
