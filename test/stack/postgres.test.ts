import { expect, it } from 'vitest'
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
