import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it, onTestFinished } from 'vitest'
import { isAttached } from '../../src/stack/servers/postgres-crash.ts'
import { unprivilegedUserIn } from '../../src/stack/servers/postgres.ts'

it('sees processes attached to a shared memory segment', () => {
  const table = `       key      shmid perms                  size  cpid  lpid nattch   uid
    270369          5   600                    56 16636 16636      6   101
    270370          6   600                    56 16637 16637      0   101
`
  expect(isAttached(table, '5')).toBe(true)
  expect(isAttached(table, '6')).toBe(false)
  expect(isAttached(table, '7')).toBe(false)
})

it('runs Postgres as an unprivileged user of the system', () => {
  const root = 'root:x:0:0:root:/root:/bin/bash\n'
  const nobody = 'nobody:x:65534:65533:nobody:/nonexistent:/usr/sbin/nologin\n'
  const postgres = 'postgres:x:101:104:,,,:/var/lib/postgresql:/bin/bash\n'
  expect(unprivilegedUserIn(root + nobody + postgres)).toEqual({ uid: 101, gid: 104 })
  expect(unprivilegedUserIn(root + nobody)).toEqual({ uid: 65534, gid: 65533 })
  expect(unprivilegedUserIn(root)).toBeUndefined()
})

it('is installed once when several stacks start at the same time', { timeout: 60_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-postgres-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const module = new URL('../../src/stack/servers/postgres-binaries.ts', import.meta.url).href
  const script = `import { installPostgres } from '${module}'; console.log(installPostgres('${folder}'))`
  const install = async (): Promise<string> => {
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script])
    return stdout.trim()
  }
  const programs = await Promise.all([install(), install(), install()])
  expect(new Set(programs).size).toBe(1)
  const home = dirname(programs[0] ?? '')
  expect(readdirSync(folder)).toEqual([basename(home)])
  expect(readdirSync(join(home, 'bin'))).toContain('postgres')
})
