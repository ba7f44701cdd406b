import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'

import { SluiceError } from '../core/errors.ts'
import type { ServerName } from './types.ts'

/** Every folder and file of one stack on this machine; all absolute paths. */
export interface StackLayout {
  readonly name: string
  /** Shared by all stacks: `artifacts` (Maven files), `registry` (unpacked). */
  readonly cache: string
  /** This stack's own folder: state, logs, pid files, data. */
  readonly home: string
  readonly stateFile: string
  /** Held while the stack is brought up or down; outside `home`, which may be deleted meanwhile. */
  readonly lockFile: string
  /** Postgres' binaries and data; elsewhere than `home` when root's cache is closed to other users. */
  readonly postgresHome: string
  /** Shared by all stacks: Postgres' programs, in a folder per version. */
  readonly postgresPrograms: string
  readonly dataOf: (server: ServerName) => string
  readonly logFileOf: (server: ServerName) => string
  readonly pidFileOf: (server: ServerName) => string
}

/** The parts of the environment that decide where things lie. */
export interface LayoutEnvironment {
  readonly SLUICE_CACHE_DIR?: string | undefined
  readonly XDG_CACHE_HOME?: string | undefined
}

const namePattern = /^[a-z0-9][a-z0-9_-]{0,39}$/

/** True when every user may pass through all folders above and including `path`. */
const isOpenToOthers = (path: string): boolean => {
  const parent = dirname(path)
  try {
    if ((statSync(path).mode & 0o001) === 0) return false
  } catch {
    // Not there yet: its parents decide.
  }
  return parent === path || isOpenToOthers(parent)
}

/**
 * Works out where a stack lives.
 *
 * Throws SLUICE_STACK_NAME for a name that is no plain folder name.
 *
 * @example layoutOf('default', process.env).home // '/home/me/.cache/sluice/stacks/default'
 */
export const layoutOf = (
  name: string,
  environment: LayoutEnvironment,
  isRoot: boolean = process.getuid?.() === 0,
): StackLayout => {
  if (!namePattern.test(name)) {
    throw new SluiceError({
      code: 'SLUICE_STACK_NAME',
      message: `'${name}' cannot name a stack`,
      remedy: 'use 1 to 40 small letters, digits, - and _, beginning with a letter or digit',
    })
  }
  const cache =
    environment.SLUICE_CACHE_DIR !== undefined && environment.SLUICE_CACHE_DIR !== ''
      ? join(environment.SLUICE_CACHE_DIR, 'sluice')
      : join(environment.XDG_CACHE_HOME || join(homedir(), '.cache'), 'sluice')
  const home = join(cache, 'stacks', name)
  const tag = createHash('sha256').update(cache).digest('hex').slice(0, 8)
  const closed = isRoot && !isOpenToOthers(home)
  const open = join('/var/lib/sluice', tag)
  const postgresHome = closed ? join(open, name) : join(home, 'postgres')
  return {
    name,
    cache,
    home,
    stateFile: join(home, 'stack.json'),
    lockFile: join(cache, 'stacks', `${name}.lock`),
    postgresHome,
    postgresPrograms: closed ? join(open, 'programs') : join(cache, 'postgres'),
    dataOf: server => (server === 'postgres' ? join(postgresHome, 'data') : join(home, server)),
    logFileOf: server => join(home, 'logs', `${server}.log`),
    pidFileOf: server => join(home, `${server}.pid`),
  }
}
