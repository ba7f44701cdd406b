import { describe, expect, test } from 'vitest'
import { classifyPostgres } from '../../src/postgres/classify.ts'

const serverError = (code: string): Error => Object.assign(new Error('x'), { code, severity: 'ERROR' })
const socketError = (code: string): Error => Object.assign(new Error('x'), { code })

describe('classifyPostgres', () => {
  test.each([
    ['08006', 'unavailable', 'unknown'],
    ['57P01', 'unavailable', 'unknown'],
    ['57P02', 'unavailable', 'unknown'],
    ['57P03', 'unavailable', 'failed'],
    ['25006', 'unavailable', 'failed'],
    ['53300', 'busy', 'failed'],
    ['53100', 'busy', 'failed'],
    ['57014', 'busy', 'failed'],
    ['40001', 'conflict', 'failed'],
    ['40P01', 'conflict', 'failed'],
    ['40003', 'conflict', 'unknown'],
    ['55P03', 'conflict', 'failed'],
    ['23505', 'refused', 'failed'],
    ['42P01', 'refused', 'failed'],
    ['XX000', 'refused', 'failed'],
  ])('SQLSTATE %s after sending is %s, outcome %s', (sqlState, fault, outcome) => {
    expect(classifyPostgres(serverError(sqlState), true)).toEqual({ fault, outcome, sqlState })
  })

  test.each([
    socketError('ECONNRESET'),
    new Error('Connection terminated unexpectedly'),
    new Error('Query read timeout'),
  ])('a lost connection leaves the outcome unknown only when something was sent: %s', error => {
    expect(classifyPostgres(error, true)).toMatchObject({ fault: 'unavailable', outcome: 'unknown' })
    expect(classifyPostgres(error, false)).toMatchObject({ fault: 'unavailable', outcome: 'failed' })
  })

  test('the shape of a socket error code is not taken for an SQLSTATE', () => {
    expect(classifyPostgres(socketError('EPIPE'), true)).toMatchObject({
      sqlState: undefined,
      outcome: 'unknown',
    })
  })

  test('an error of our own is never retried', () => {
    expect(classifyPostgres(new TypeError('x'), true).fault).toBe('refused')
  })
})
