import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { environmentOf } from '../../../src/cli/demo/system.ts'
import { stackConfig } from './system.ts'

const program = resolve(import.meta.dirname, '../../../bin/sluice')

/** Why a command failed: its exit code, and what it printed. */
export interface FailedCommand {
  readonly code: number
  readonly stdout: Buffer
  readonly stderr: Buffer
}

/**
 * Runs `sluice` as a user would, on the test stack; returns what it wrote to standard output. Rejects with a FailedCommand, whose message
 * holds what it wrote to standard error.
 *
 * @example const letters: unknown = JSON.parse(String(await sluice(['dlq', 'list', '--json'])))
 */
export const sluice = async (args: readonly string[], cwd?: string): Promise<Buffer> => {
  const env = { ...process.env, ...environmentOf(stackConfig) }
  const { stdout } = await promisify(execFile)(program, [...args], { cwd, env, encoding: 'buffer' })
  return stdout
}
