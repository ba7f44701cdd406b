import { createHash } from 'node:crypto'
import {
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream } from 'node:stream/web'

import { messageOf, SluiceError } from '../core/errors.ts'

/** One file to fetch: where from, where to, and what it must turn out to be. */
export interface Download {
  readonly url: string
  readonly file: string
  readonly bytes: number
  readonly sha256: string
}

export interface DownloadOptions {
  readonly signal?: AbortSignal | undefined
  /** Called with the size of every piece as it arrives; negative when what was counted has to be counted anew. */
  readonly onBytes?: (bytes: number) => void
}

const sizeOf = (file: string): number => (existsSync(file) ? statSync(file).size : 0)

const sha256Of = async (file: string): Promise<string> => {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}

/** Whether the file is there with the expected size; its content was verified before it got its name. */
export const isFetched = (download: Omit<Download, 'url'>): boolean =>
  existsSync(download.file) && statSync(download.file).size === download.bytes

/** Appends what is missing to the partial file, or begins anew when the server cannot resume. */
const fetchRest = async (download: Download, partial: string, options: DownloadOptions): Promise<void> => {
  const have = sizeOf(partial)
  if (have === download.bytes) {
    options.onBytes?.(have)
    return
  }
  const range = have > 0 && have < download.bytes
  const response = await fetch(download.url, {
    headers: range ? { range: `bytes=${have}-` } : {},
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  })
  if (!response.ok || response.body === null) throw new Error(`the server answered ${response.status}`)
  const resumes = range && response.status === 206
  if (resumes) options.onBytes?.(have)
  const count = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      options.onBytes?.(chunk.length)
      done(null, chunk)
    },
  })
  const body = Readable.fromWeb(response.body as ReadableStream<Uint8Array>)
  await pipeline(body, count, createWriteStream(partial, { flags: resumes ? 'a' : 'w' }))
}

const attempts = 3

/**
 * Fetches one file: resumes a partial one, verifies size and SHA-256, then gives it its name,
 * so that a file that exists is whole. A damaged file is dropped and fetched again, three times in all.
 *
 * Throws SLUICE_STACK_CORRUPT_DOWNLOAD or SLUICE_STACK_DOWNLOAD; the signal's reason when aborted.
 */
export const download = async (wanted: Download, options: DownloadOptions = {}): Promise<void> => {
  const partial = `${wanted.file}.part`
  let counted = 0
  const onBytes = (bytes: number): void => {
    counted += bytes
    options.onBytes?.(bytes)
  }
  let cause: unknown
  let found: string | undefined
  mkdirSync(dirname(wanted.file), { recursive: true })
  for (let attempt = 1; attempt <= attempts; attempt++) {
    try {
      await fetchRest(wanted, partial, { ...options, onBytes })
      const size = sizeOf(partial)
      const sha256 = size === wanted.bytes ? await sha256Of(partial) : undefined
      if (sha256 === wanted.sha256) {
        renameSync(partial, wanted.file)
        return
      }
      found =
        sha256 === undefined
          ? `${size} bytes instead of ${wanted.bytes}`
          : `SHA-256 ${sha256} instead of ${wanted.sha256}`
      onBytes(-counted)
      rmSync(partial, { force: true })
    } catch (error) {
      options.signal?.throwIfAborted()
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC') throw noSpace(wanted.file, error)
      // What has reached the disk is counted again by the next attempt.
      onBytes(-counted)
      cause = error
    }
  }
  if (cause === undefined) {
    throw new SluiceError({
      code: 'SLUICE_STACK_CORRUPT_DOWNLOAD',
      message: `${wanted.url} is not the expected file: ${found ?? 'unreadable'}`,
      remedy:
        'a proxy or mirror may change it: name another repository in SLUICE_MAVEN_BASE_URL, then run the command again',
    })
  }
  const reason =
    cause instanceof Error && cause.cause !== undefined ? messageOf(cause.cause) : messageOf(cause)
  throw new SluiceError({
    code: 'SLUICE_STACK_DOWNLOAD',
    message: `${wanted.url} cannot be fetched: ${reason}`,
    remedy:
      'check the connection, or name a mirror of Maven Central in SLUICE_MAVEN_BASE_URL; what has arrived is kept',
    cause,
  })
}

const noSpace = (file: string, cause: unknown): SluiceError =>
  new SluiceError({
    code: 'SLUICE_STACK_NO_SPACE',
    message: `no space left on the disk of ${file}`,
    remedy: 'free some space, or name a folder on another disk in SLUICE_CACHE_DIR',
    cause,
  })
