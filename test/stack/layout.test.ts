import { chmodSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { SluiceError } from '../../src/core/errors.ts'
import { layoutOf } from '../../src/stack/layout.ts'
import { temporaryFolder } from './support/folder.ts'

it('lies below the cache folder that is configured', () => {
  expect(layoutOf('a', { SLUICE_CACHE_DIR: '/big' }, false).home).toBe('/big/sluice/stacks/a')
  expect(layoutOf('a', { XDG_CACHE_HOME: '/xdg' }, false).home).toBe('/xdg/sluice/stacks/a')
  expect(layoutOf('a', { XDG_CACHE_HOME: '' }, false).home).toBe(join(homedir(), '.cache/sluice/stacks/a'))
})

it.each(['', '..', 'a/b', 'A', '-a', 'x'.repeat(41)])('refuses the name %j', name => {
  expect(() => layoutOf(name, {})).toThrow(SluiceError)
})

it("keeps Postgres where root's closed folders do not lock out the user it runs as", () => {
  const folder = temporaryFolder()
  const environment = { SLUICE_CACHE_DIR: folder }
  chmodSync(folder, 0o700)
  expect(layoutOf('a', environment, false).postgresHome).toBe(join(folder, 'sluice/stacks/a/postgres'))
  expect(layoutOf('a', environment, true).postgresHome).toMatch(/^\/var\/lib\/sluice\/[0-9a-f]{8}\/a$/)
  expect(layoutOf('a', environment, true).postgresPrograms).toMatch(
    /^\/var\/lib\/sluice\/[0-9a-f]{8}\/programs$/,
  )
  chmodSync(folder, 0o755)
  expect(layoutOf('a', environment, true).postgresHome).toBe(join(folder, 'sluice/stacks/a/postgres'))
})
