import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { DatabaseError } from 'pg'
import { expect, test } from 'vitest'
import { isOfPostgres, withClient } from '../../src/cdc/connections.ts'
import { postgresError } from '../../src/cdc/errors.ts'
import { SluiceError } from '../../src/core/errors.ts'

const refused = (address: string): Error =>
  Object.assign(new Error(`connect ECONNREFUSED ${address}`), { code: 'ECONNREFUSED', syscall: 'connect' })

const refusedTwice = Object.assign(new AggregateError([refused('::1:5432'), refused('127.0.0.1:5432')], ''), {
  code: 'ECONNREFUSED',
})

test('a host whose addresses all refuse is tried again, and the message names them', () => {
  expect(isOfPostgres(refusedTwice)).toBe(true)
  expect(postgresError(refusedTwice)).toMatchObject({
    code: 'SLUICE_RELAY_POSTGRES_UNAVAILABLE',
    reaction: 'retry',
    message: 'Postgres: connect ECONNREFUSED ::1:5432, connect ECONNREFUSED 127.0.0.1:5432',
  })
})

test.each([
  ['a refusal of Postgres', new DatabaseError('no', 2, 'error'), true],
  ['a broken pipe', Object.assign(new Error('write'), { code: 'EPIPE' }), true],
  ['an error of Node', Object.assign(new Error('no'), { code: 'ERR_INVALID_ARG_TYPE' }), false],
  ['one of ours', new SluiceError({ code: 'SLUICE_A_B', message: 'connection' }), false],
  ['a bug', new TypeError('x is undefined'), false],
])('%s: %#', (_, error, expected) => {
  expect(isOfPostgres(error)).toBe(expected)
})

test('nobody listening is an error to try again after', async () => {
  const server = createServer()
  await new Promise<void>(listening => server.listen(0, '127.0.0.1', listening))
  const { port } = server.address() as AddressInfo
  await new Promise(closed => server.close(closed))
  await expect(
    withClient(`postgres://u:p@localhost:${port}/d`, 'sql', () => Promise.resolve()),
  ).rejects.toMatchObject({ code: 'SLUICE_RELAY_POSTGRES_UNAVAILABLE', reaction: 'retry' })
})
