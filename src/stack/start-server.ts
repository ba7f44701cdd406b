import { existsSync, readFileSync, statSync } from 'node:fs'

import { SluiceError } from '../core/errors.ts'
import { isFree } from './ports.ts'
import { launch, runningPid } from './processes.ts'
import type { StackContext, StackServer } from './servers/server.ts'

const patienceMs = 180_000
const logLinesShown = 12

/** The end of what a server wrote since `fromByte`, for an error message. */
const logTail = (file: string, fromByte: number): string =>
  existsSync(file)
    ? readFileSync(file)
        .subarray(fromByte)
        .toString('utf8')
        .trimEnd()
        .split('\n')
        .slice(-logLinesShown)
        .join('\n')
    : ''

const requireFreePorts = async (server: StackServer, context: StackContext): Promise<void> => {
  for (const port of server.listensOn(context.ports)) {
    if (await isFree(port)) continue
    throw new SluiceError({
      code: 'SLUICE_STACK_PORT_IN_USE',
      message: `${server.name} of the stack '${context.layout.name}' needs port ${port} of 127.0.0.1, which another process uses`,
      remedy: `stop that process (find it: ss -ltnp 'sport = :${port}'), or move the stack: ./bin/sluice stack up --name ${context.layout.name} --port-base N`,
      details: { server: server.name, port },
    })
  }
}

/** Whether the server's process lives and serves clients. */
export const isServing = async (
  server: StackServer,
  context: Pick<StackContext, 'layout' | 'ports'>,
): Promise<boolean> =>
  runningPid(context.layout.pidFileOf(server.name)) !== undefined &&
  (await server.isReady(context.ports).catch(() => false))

/**
 * Starts one server unless its process lives already, and waits until it serves clients.
 *
 * Throws SLUICE_STACK_PORT_IN_USE, SLUICE_STACK_SERVER_DIED (with the end of its log), SLUICE_STACK_SERVER_SLOW,
 * or the signal's reason.
 */
export const startServer = async (server: StackServer, context: StackContext): Promise<void> => {
  const { layout, signal, clock } = context
  const [logFile, pidFile] = [layout.logFileOf(server.name), layout.pidFileOf(server.name)]
  const logStart = existsSync(logFile) ? statSync(logFile).size : 0
  if (runningPid(pidFile) === undefined) {
    await requireFreePorts(server, context)
    await server.prepare(context)
    signal?.throwIfAborted()
    await launch(server.launch(context), logFile, pidFile)
  }
  const deadline = clock.now() + patienceMs
  for (;;) {
    signal?.throwIfAborted()
    const alive = runningPid(pidFile) !== undefined
    if (alive && (await server.isReady(context.ports).catch(() => false))) return
    if (!alive) {
      throw new SluiceError({
        code: 'SLUICE_STACK_SERVER_DIED',
        message: `${server.name} of the stack '${layout.name}' ended while starting; the end of its log:\n${logTail(logFile, logStart)}`,
        remedy: `the whole log: ${logFile}; if its data is damaged, ./bin/sluice stack up --name ${layout.name} --fresh starts with none`,
      })
    }
    if (clock.now() > deadline) {
      throw new SluiceError({
        code: 'SLUICE_STACK_SERVER_SLOW',
        message: `${server.name} of the stack '${layout.name}' does not answer after ${patienceMs / 1_000} s; the end of its log:\n${logTail(logFile, logStart)}`,
        remedy: `see its log, ${logFile}; the machine may be short of memory or processor time`,
      })
    }
    await clock.sleep(100, signal)
  }
}
