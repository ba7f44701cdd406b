import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { join } from 'node:path'

import type { Clock } from '../core/clock.ts'
import { SluiceError } from '../core/errors.ts'
import { stopServers } from './down.ts'
import { fetchArtifacts, requireSpace } from './fetch-artifacts.ts'
import { withLock } from './file-lock.ts'
import { findJava } from './java.ts'
import type { LayoutEnvironment, StackLayout } from './layout.ts'
import { mavenBaseUrl } from './maven-repository.ts'
import { choosePorts, portsFrom } from './ports.ts'
import { stackServers } from './servers/index.ts'
import type { StackContext, StackServer } from './servers/server.ts'
import { isServing, startServer } from './start-server.ts'
import { firstPortsOfOthers, readState, urlsOf, writeState, type StackState } from './state.ts'
import type { ReportProgress, ServerName, StackUrls } from './types.ts'
import { withProxy, type ProxyEnvironment } from './with-proxy.ts'

/** The parts of the environment that `up` reads. */
interface StackEnvironment extends LayoutEnvironment, ProxyEnvironment {
  readonly JAVA_HOME?: string | undefined
  readonly SLUICE_MAVEN_BASE_URL?: string | undefined
}

export interface UpOptions {
  readonly environment: StackEnvironment
  readonly clock: Clock
  /** Begin with empty servers: what the stack kept is deleted. */
  readonly fresh?: boolean
  /** First of the stack's ports; without it the remembered ones, or free ones. */
  readonly portBase?: number | undefined
  /** Name of the Cassandra keyspace of a new stack; default `sluice`. */
  readonly keyspace?: string
  readonly report?: ReportProgress
  /** Default all of `stackServers`. */
  readonly servers?: readonly StackServer[]
  /** Ends `up` early: what it started is stopped again. */
  readonly signal?: AbortSignal | undefined
}

export interface UpResult {
  readonly urls: StackUrls
  /** Servers this call started; empty when all were running. */
  readonly started: readonly ServerName[]
}

/**
 * Brings a stack up: fetches what is missing, starts the servers that are not running, waits until each serves clients.
 * A stack that runs already is left as it is. On failure or interruption whatever this call started is stopped.
 *
 * Throws SluiceErrors SLUICE_STACK_*; the signal's reason when interrupted.
 *
 * @example const { urls } = await stackUp(layoutOf('default', process.env), { environment: process.env, clock: systemClock })
 */
export const stackUp = (layout: StackLayout, options: UpOptions): Promise<UpResult> => {
  const onWait = (pid: number): void => options.report?.({ kind: 'waiting', for: 'stack', pid })
  const lock = { clock: options.clock, signal: options.signal, onWait }
  return withLock(layout.lockFile, lock, () => bringUp(layout, options)).catch((error: unknown) => {
    if (options.signal?.aborted !== true) throw error
    throw new SluiceError({
      code: 'SLUICE_STACK_INTERRUPTED',
      message: `starting the stack '${layout.name}' was interrupted; what it had started is stopped again`,
      remedy: 'run the same command again: what was fetched is kept',
      cause: error,
    })
  })
}

/** What the servers write in their first minutes, Cassandra's commit log above all. */
const firstDataBytes = 700_000_000

const bringUp = async (layout: StackLayout, options: UpOptions): Promise<UpResult> => {
  const { clock, servers = stackServers } = options
  const before = readState(layout)
  const moves =
    options.portBase !== undefined && before !== undefined && before.ports.api !== options.portBase
  if (options.fresh === true || moves) await stopServers(layout, clock, servers)
  if (options.fresh === true) deleteData(layout, servers)
  const state = await stateFor(layout, before, options)
  const idle = await serversNotServing(layout, state, servers)
  if (idle.length === 0) return { urls: urlsOf(state), started: [] }

  const java = await install(layout, idle, options)
  for (const folder of [layout.home, layout.postgresHome]) requireSpace(folder, firstDataBytes)
  writeState(layout, state)
  const { ports, kafkaClusterId } = state
  await startAll(idle, { layout, ports, java, kafkaClusterId, clock }, options)
  return { urls: urlsOf(state), started: idle.map(server => server.name) }
}

/** Fetches what the servers need; returns the program `java`. */
const install = async (
  layout: StackLayout,
  servers: readonly StackServer[],
  { environment, clock, signal, report = () => {} }: UpOptions,
): Promise<string> => {
  const needed = servers.flatMap(({ files }) => (files === undefined ? [] : [files]))
  if (needed.length === 0) return 'java'
  const java = await findJava(environment)
  const baseUrl = (): string => mavenBaseUrl(environment)
  const onWait = (pid: number): void => report({ kind: 'waiting', for: 'download', pid })
  await withLock(join(layout.cache, 'fetch.lock'), { clock, signal, onWait }, () =>
    withProxy(environment, () => fetchArtifacts(layout.cache, needed, { baseUrl, signal, report })),
  )
  return java
}

const stateFor = async (
  layout: StackLayout,
  before: StackState | undefined,
  options: UpOptions,
): Promise<StackState> => ({
  format: 1,
  ports:
    options.portBase === undefined
      ? (before?.ports ?? (await choosePorts(layout.home, firstPortsOfOthers(layout))))
      : portsFrom(options.portBase),
  kafkaClusterId: before?.kafkaClusterId ?? randomBytes(16).toString('base64url'),
  keyspace: options.keyspace ?? before?.keyspace ?? 'sluice',
})

const deleteData = (layout: StackLayout, servers: readonly StackServer[]): void => {
  for (const { name } of servers) rmSync(layout.dataOf(name), { recursive: true, force: true })
}

const serversNotServing = async (
  layout: StackLayout,
  { ports }: StackState,
  servers: readonly StackServer[],
): Promise<StackServer[]> => {
  const serving = await Promise.all(servers.map(server => isServing(server, { layout, ports })))
  return servers.filter((_, index) => serving[index] !== true)
}

/** Starts servers side by side; the first failure stops the others too. */
const startAll = async (
  servers: readonly StackServer[],
  context: StackContext,
  { signal, report = () => {} }: UpOptions,
): Promise<void> => {
  const { clock } = context
  const began = clock.now()
  const failure = new AbortController()
  const either = AbortSignal.any([failure.signal, ...(signal === undefined ? [] : [signal])])
  report({ kind: 'starting', servers: servers.map(server => server.name) })
  const results = await Promise.allSettled(
    servers.map(async server => {
      try {
        await startServer(server, { ...context, signal: either })
        report({ kind: 'ready', server: server.name, afterMs: clock.now() - began })
      } catch (error) {
        failure.abort(error)
        throw error
      }
    }),
  )
  if (results.every(result => result.status === 'fulfilled')) return
  await stopServers(context.layout, clock, servers)
  throw either.reason
}
