import { errors, types } from 'cassandra-driver'
import { describe, expect, test } from 'vitest'
import { cassandraError, failureOf } from '../../src/cassandra/classify.ts'

const { responseErrorCodes: codes } = types

const response = (code: number): Error => new errors.ResponseError(code, 'as the server says')
const coded = (code: string): Error => Object.assign(new Error(code), { code })
const unsent = (): Error =>
  Object.assign(new Error('closed'), { isSocketError: true, requestNotWritten: true })
const noHost = (...inner: unknown[]): Error =>
  new errors.NoHostAvailableError(Object.fromEntries(inner.map((error, index) => [`host${index}`, error])))

describe('a failed conditional write', () => {
  test.each([
    ['a write timeout', response(codes.writeTimeout)],
    ['a write failure', response(codes.writeFailure)],
    ['a read timeout inside Paxos', response(codes.readTimeout)],
    ['too few replicas, perhaps only for the commit', response(codes.unavailableException)],
    ['an overloaded server', response(codes.overloaded)],
    ['an error inside the server', response(codes.serverError)],
    ['no answer in time', new errors.OperationTimedOutError('no answer')],
    ['a broken connection', Object.assign(new Error('reset'), { isSocketError: true })],
    ['an error nobody knows', new Error('?')],
    [
      'hosts of which one was asked',
      noHost(coded('ECONNREFUSED'), new errors.OperationTimedOutError('no answer')),
    ],
  ])('%s leaves it unknown', (_, error) => {
    expect(failureOf(error)).toBe('unknown')
  })

  test.each([
    ['hosts that could not be reached', noHost(coded('ECONNREFUSED'), null)],
    ['no host at all', noHost()],
    ['a connection closed before the request was written', unsent()],
    ['connections that are all full', noHost(new errors.BusyConnectionError('a', 2_048, 1))],
  ])('%s: it was not sent', (_, error) => {
    expect(failureOf(error)).toBe('unavailable')
  })

  test.each([
    ['a statement that cannot be parsed', response(codes.syntaxError)],
    ['a table that is not there', response(codes.invalid)],
    ['a right that is missing', response(codes.unauthorized)],
    ['wrong credentials', noHost(new errors.AuthenticationError('no'))],
    ['a value that cannot be encoded', new TypeError('not a bigint')],
  ])('%s: repeating it is useless', (_, error) => {
    expect(failureOf(error)).toBe('fatal')
  })
})

test('the error says what was asked, and what to do', () => {
  expect(cassandraError('read stock of A', 'fatal', response(codes.invalid))).toMatchObject({
    code: 'SLUICE_CASSANDRA_REFUSED',
    reaction: 'stop',
    message: 'Cassandra: read stock of A: as the server says',
    remedy: expect.stringContaining('sluice migrate') as string,
  })
  expect(cassandraError('read', 'unavailable', new Error('x')).reaction).toBe('retry')
})
