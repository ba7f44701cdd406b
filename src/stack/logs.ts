import { existsSync, openSync, closeSync, readSync, statSync } from 'node:fs'

import type { Clock } from '../core/clock.ts'
import { SluiceError } from '../core/errors.ts'
import type { StackLayout } from './layout.ts'
import { serverNames, type ServerName } from './types.ts'

export interface LogsOptions {
  /** Lines from the end of each log to begin with. */
  readonly lines: number
  /** Goes on with what is added, until aborted. */
  readonly follow?: { readonly clock: Clock; readonly signal: AbortSignal } | undefined
}

/** Farther back than this no line is looked for. */
const tailBytes = 1_000_000
const pollIntervalMs = 200

const readFrom = (file: string, start: number): string => {
  const size = existsSync(file) ? statSync(file).size : 0
  if (size <= start) return ''
  const buffer = Buffer.alloc(size - start)
  const descriptor = openSync(file, 'r')
  try {
    const length = readSync(descriptor, buffer, 0, buffer.length, start)
    return buffer.toString('utf8', 0, length)
  } finally {
    closeSync(descriptor)
  }
}

const lastLines = (file: string, count: number): string[] => {
  const size = existsSync(file) ? statSync(file).size : 0
  const lines = readFrom(file, Math.max(0, size - tailBytes)).split('\n')
  if (lines.at(-1) === '') lines.pop()
  return count === 0 ? [] : lines.slice(-count)
}

/** The server of that name; throws SLUICE_STACK_NO_SUCH_SERVER. */
export const serverNamed = (name: string): ServerName => {
  const found = serverNames.find(known => known === name)
  if (found !== undefined) return found
  throw new SluiceError({
    code: 'SLUICE_STACK_NO_SUCH_SERVER',
    message: `a stack has no server '${name}'`,
    remedy: `name one of ${serverNames.join(', ')}`,
  })
}

/**
 * Passes on the end of the servers' logs line by line, then, when following, every further line as it is written.
 *
 * Throws SLUICE_STACK_NO_LOGS when none of the servers has written any.
 */
export const stackLogs = async (
  layout: StackLayout,
  servers: readonly ServerName[],
  options: LogsOptions,
  onLine: (server: ServerName, line: string) => void,
): Promise<void> => {
  const files = servers.map(server => ({ server, file: layout.logFileOf(server), at: 0, rest: '' }))
  if (!files.some(({ file }) => existsSync(file))) {
    throw new SluiceError({
      code: 'SLUICE_STACK_NO_LOGS',
      message: `the stack '${layout.name}' has no logs: it was never started`,
      remedy: `start it: ./bin/sluice stack up --name ${layout.name}`,
    })
  }
  for (const entry of files) {
    entry.at = existsSync(entry.file) ? statSync(entry.file).size : 0
    for (const line of lastLines(entry.file, options.lines)) onLine(entry.server, line)
  }
  const { follow } = options
  if (follow === undefined) return
  while (!follow.signal.aborted) {
    for (const entry of files) {
      const text = readFrom(entry.file, entry.at)
      entry.at += Buffer.byteLength(text)
      const lines = (entry.rest + text).split('\n')
      entry.rest = lines.pop() ?? ''
      for (const line of lines) onLine(entry.server, line)
    }
    await follow.clock.sleep(pollIntervalMs, follow.signal).catch(() => undefined)
  }
}
