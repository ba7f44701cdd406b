import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { layoutOf } from '../../../src/stack/layout.ts'

const run = promisify(execFile)
const pathOf = (name: string): string => fileURLToPath(new URL(`../../peers/${name}`, import.meta.url))
const venvPython = (folder: string): string => join(folder, 'bin', 'python')

/** A Python with Confluent's client in it, or why there is none on this machine. */
export type Peer = { readonly python: string } | { readonly missing: string }

/** What `decode_topics.py --json` prints. */
export interface DecodedTopics {
  readonly ok: boolean
  readonly decoded: number
  readonly failures: number
  readonly missing: readonly string[]
  readonly skipped: readonly string[]
  readonly topics: Readonly<
    Record<
      string,
      {
        readonly records: number
        readonly tombstones: number
        readonly failures: number
        readonly firstFailures: readonly string[]
        readonly sample: { readonly key: string; readonly value: Readonly<Record<string, unknown>> } | null
      }
    >
  >
}

const succeeds = async (command: string, args: readonly string[]): Promise<boolean> => {
  try {
    await run(command, [...args], { timeout: 60_000 })
    return true
  } catch {
    return false
  }
}

/** Makes the virtual environment once per content of requirements.txt, in the project's cache folder. */
export const preparePeer = async (): Promise<Peer> => {
  const requirements = pathOf('requirements.txt')
  const version = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 16)
  const parent = join(layoutOf('peers', process.env).cache, 'peers')
  const folder = join(parent, version)
  if (existsSync(venvPython(folder))) return { python: venvPython(folder) }
  if (
    !(await succeeds('python3', [
      '-c',
      'import sys; assert sys.version_info >= (3, 10); import venv, ensurepip',
    ]))
  ) {
    return { missing: 'there is no python3 of 3.10 or later with venv' }
  }
  const draft = `${folder}.${process.pid}`
  mkdirSync(parent, { recursive: true })
  try {
    await run('python3', ['-m', 'venv', draft])
    const pip = [venvPython(draft), ['-m', 'pip', '--disable-pip-version-check']] as const
    if (
      !(await succeeds(pip[0], [
        ...pip[1],
        'download',
        '--no-deps',
        '-d',
        join(draft, 'probe'),
        'h11==0.16.0',
      ]))
    ) {
      return { missing: 'PyPI cannot be reached' }
    }
    await run(pip[0], [...pip[1], 'install', '--no-deps', '--only-binary', ':all:', '-r', requirements])
    // Only a whole environment gets the name that is looked for. Its python does not depend on the folder's name.
    renameSync(draft, folder)
    return { python: venvPython(folder) }
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
}

/** Decodes all topics with a schema; a run that fails is a result with `ok: false`, not an error. */
export const decodeTopics = async (
  python: string,
  options: {
    readonly kafka: string
    readonly registry: string
    readonly prefix?: string
    /** Only these; default all. */
    readonly topics?: readonly string[]
    /** Topics that must have records. */
    readonly require?: readonly string[]
  },
): Promise<DecodedTopics> => {
  const { kafka, registry, prefix = '', topics = [], require = [] } = options
  const required = require.flatMap(topic => ['--require', topic])
  const args = [
    pathOf('decode_topics.py'),
    '--json',
    '--kafka',
    kafka,
    '--registry',
    registry,
    '--prefix',
    prefix,
    ...topics.flatMap(topic => ['--topic', topic]),
  ]
  const limits = { maxBuffer: 64 * 1024 * 1024 }
  const { stdout } = await run(python, [...args, ...required], limits).catch((error: unknown) => {
    // Exit code 1 with a report is an answer.
    if (error instanceof Error && 'stdout' in error && String(error.stdout).startsWith('{')) {
      return { stdout: String(error.stdout) }
    }
    throw error
  })
  return JSON.parse(stdout) as DecodedTopics
}
