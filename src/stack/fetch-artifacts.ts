import { existsSync, mkdirSync, renameSync, rmSync, statfsSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { extract } from 'tar'

import { SluiceError } from '../core/errors.ts'
import { artifactsOf, versionOf, type JavaServer } from './artifacts.ts'
import { download, isFetched, type Download } from './download.ts'
import type { ReportProgress } from './types.ts'

export interface FetchOptions {
  /** Asked only when something has to be fetched. */
  readonly baseUrl: () => string
  readonly signal?: AbortSignal | undefined
  readonly report: ReportProgress
}

/** The files of a server as they lie in the cache, for a class path. */
export const artifactFiles = (cache: string, server: JavaServer): readonly string[] =>
  artifactsOf(server).map(artifact => join(cache, 'artifacts', artifact.path))

/** The folder into which the registry's archive is unpacked. */
export const registryFolder = (cache: string): string => join(cache, 'registry', versionOf('registry'))

const downloadsAtOnce = 6

/** Unpacked registry and Postgres' programs. */
const furtherBytes = 300_000_000

/**
 * Brings every missing file of some servers into the cache and unpacks the registry.
 * Whoever calls it holds the cache's lock.
 *
 * Throws SLUICE_STACK_NO_SPACE before the first byte when the disk is too full, and what `download` throws.
 */
export const fetchArtifacts = async (
  cache: string,
  servers: readonly JavaServer[],
  options: FetchOptions,
): Promise<void> => {
  const missing = servers
    .flatMap(artifactsOf)
    .map(({ path, bytes, sha256 }) => ({ path, bytes, sha256, file: join(cache, 'artifacts', path) }))
    .filter(file => !isFetched(file))
  const base = missing.length > 0 ? options.baseUrl() : ''
  const wanted = missing.map(({ path, file, bytes, sha256 }): Download => ({
    url: `${base}/${path}`,
    file,
    bytes,
    sha256,
  }))
  if (wanted.length > 0) await fetchAll(cache, wanted, options)
  if (servers.includes('registry')) await unpackRegistry(cache, options.report)
}

const fetchAll = async (cache: string, wanted: readonly Download[], options: FetchOptions): Promise<void> => {
  const totalBytes = wanted.reduce((sum, file) => sum + file.bytes, 0)
  requireSpace(cache, totalBytes + furtherBytes)
  let doneBytes = 0
  const onBytes = (bytes: number): void => {
    doneBytes += bytes
    options.report({ kind: 'fetching', doneBytes, totalBytes })
  }
  // The biggest first, so that it does not run alone at the end.
  const queue = wanted.toSorted((a, b) => b.bytes - a.bytes)
  const failure = new AbortController()
  const signal = AbortSignal.any([failure.signal, ...(options.signal === undefined ? [] : [options.signal])])
  const work = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      try {
        await download(next, { signal, onBytes })
      } catch (error) {
        failure.abort(error)
        throw error
      }
    }
  }
  const results = await Promise.allSettled(Array.from({ length: downloadsAtOnce }, work))
  const failed = results.find(result => result.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}

/** Throws SLUICE_STACK_NO_SPACE when the disk of `folder` has less than `bytes` free. */
export const requireSpace = (folder: string, bytes: number): void => {
  mkdirSync(folder, { recursive: true })
  const { bavail, bsize } = statfsSync(folder)
  const free = bavail * bsize
  if (free >= bytes) return
  const megabytes = (size: number): string => `${Math.round(size / 1e6)} MB`
  throw new SluiceError({
    code: 'SLUICE_STACK_NO_SPACE',
    message: `${folder} has ${megabytes(free)} of free disk, the stack needs ${megabytes(bytes)}`,
    remedy: 'free some space, or name a folder on another disk in SLUICE_CACHE_DIR',
  })
}

const unpackRegistry = async (cache: string, report: ReportProgress): Promise<void> => {
  const folder = registryFolder(cache)
  if (existsSync(folder)) return
  report({ kind: 'unpacking', what: 'schema registry' })
  const partial = `${folder}.part`
  rmSync(partial, { recursive: true, force: true })
  mkdirSync(partial, { recursive: true })
  mkdirSync(dirname(folder), { recursive: true })
  await extract({ file: artifactFiles(cache, 'registry')[0] ?? '', cwd: partial })
  renameSync(partial, folder)
}
