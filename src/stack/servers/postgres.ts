import { execFile } from 'node:child_process'
import { chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { Client } from 'pg'

import { SluiceError } from '../../core/errors.ts'
import type { StackLayout } from '../layout.ts'
import { installPostgres } from './postgres-binaries.ts'
import { settleCrash } from './postgres-crash.ts'
import type { StackContext, StackServer } from './server.ts'

/** Role, password and database of the stack: nothing outside this machine can reach it. */
const identity = 'sluice'

export const postgresUrl = (port: number): string =>
  `postgres://${identity}:${identity}@127.0.0.1:${port}/${identity}`

const run = promisify(execFile)

interface User {
  readonly uid: number
  readonly gid: number
}

/** Postgres refuses to run as root: then it runs as the first of these users that the system has. */
const unprivilegedUsers = ['postgres', 'nobody']

/** The user of an /etc/passwd under whom Postgres may run. */
export const unprivilegedUserIn = (passwd: string): User | undefined => {
  for (const name of unprivilegedUsers) {
    const fields = passwd
      .split('\n')
      .find(line => line.startsWith(`${name}:`))
      ?.split(':')
    if (fields !== undefined) return { uid: Number(fields[2]), gid: Number(fields[3]) }
  }
  return undefined
}

const postgresUser = (): User | undefined => {
  if (process.getuid?.() !== 0) return undefined
  const user = unprivilegedUserIn(readFileSync('/etc/passwd', 'utf8'))
  if (user !== undefined) return user
  throw new SluiceError({
    code: 'SLUICE_STACK_ROOT',
    message: `Postgres refuses to run as root, and this system has none of the users ${unprivilegedUsers.join(', ')}`,
    remedy: 'run the command as another user than root',
  })
}

const programs = (layout: StackLayout): string => installPostgres(layout.postgresPrograms)

const settings: Readonly<Record<string, string | number>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  wal_level: 'logical',
  max_connections: 200,
  max_replication_slots: 50,
  max_wal_senders: 50,
  shared_buffers: '128MB',
  timezone: 'UTC',
  log_timezone: 'UTC',
}

const initialise = async ({ layout, signal }: StackContext, user: User | undefined): Promise<void> => {
  const bin = programs(layout)
  const data = layout.dataOf('postgres')
  const partial = `${data}.part`
  rmSync(partial, { recursive: true, force: true })
  const passwordFile = join(layout.postgresHome, 'password')
  writeFileSync(passwordFile, identity)
  if (user !== undefined)
    for (const path of [layout.postgresHome, passwordFile]) chownSync(path, user.uid, user.gid)
  const options = { ...user, cwd: layout.postgresHome, ...(signal === undefined ? {} : { signal }) }
  await run(
    join(bin, 'initdb'),
    [
      '-D',
      partial,
      '-U',
      identity,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',

      '--locale=C',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--no-sync',
      '--no-instructions',
    ],
    options,
  )
  const single = run(join(bin, 'postgres'), ['--single', '-D', partial, 'postgres'], options)
  single.child.stdin?.end(`CREATE DATABASE ${identity}\n`)
  await single
  rmSync(passwordFile)
  renameSync(partial, data)
}

/** Postgres with logical decoding. */
export const postgresServer: StackServer = {
  name: 'postgres',
  port: ports => ports.postgres,
  listensOn: ports => [ports.postgres],
  // Fast shutdown: ends open sessions instead of waiting for them.
  stop: { signal: 'SIGINT', patienceMs: 20_000 },

  async prepare(context) {
    mkdirSync(context.layout.postgresHome, { recursive: true })
    programs(context.layout)
    const data = context.layout.dataOf('postgres')
    if (existsSync(data)) await settleCrash(data, context.clock, context.signal)
    else await initialise(context, postgresUser())
  },

  launch({ layout, ports }) {
    const flags = Object.entries({ ...settings, port: ports.postgres }).flatMap(([key, value]) => [
      '-c',
      `${key}=${value}`,
    ])
    return {
      program: join(programs(layout), 'postgres'),
      arguments: ['-D', layout.dataOf('postgres'), ...flags],
      workingFolder: layout.postgresHome,
      user: postgresUser(),
    }
  },

  async isReady(ports) {
    const client = new Client({
      connectionString: postgresUrl(ports.postgres),
      connectionTimeoutMillis: 2_000,
    })
    // A server that goes away while the client closes must not end this process.
    client.on('error', () => undefined)
    try {
      await client.connect()
      await client.query('SELECT 1')
      return true
    } finally {
      await client.end().catch(() => undefined)
    }
  },
}
