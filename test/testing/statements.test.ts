import { expect, test } from 'vitest'
import { CqlDialect } from '../../src/testing/cql/dialect.ts'
import { PreparedStatements } from '../../src/testing/cql/statements.ts'
import { postgresMessage } from '../../src/testing/postgres/answers.ts'
import { PostgresDialect } from '../../src/testing/postgres/dialect.ts'
import { cqlFrame, cqlInt, cqlLongString, cqlShort, cqlShortBytes, startup } from './support/frames.ts'

const prepare = 0x09
const result = 0x08
const prepared = (stream: number, id: Buffer): Buffer =>
  cqlFrame({ opcode: result, stream, body: Buffer.concat([cqlInt(4), cqlShortBytes(id)]), isReply: true })

test('a CQL request is known by the text its statements were prepared from, on any connection', () => {
  const statements = new PreparedStatements()
  const first = new CqlDialect(1, statements)
  const texts = [
    'UPDATE stock SET version = ? IF version = ?',
    'INSERT INTO stock (sku) VALUES (?) IF NOT EXISTS',
  ]
  const ids = texts.map((_, index) => Buffer.from([7, index]))
  texts.forEach((text, stream) => {
    for (const { exchange } of first.requests(
      cqlFrame({ opcode: prepare, stream, body: cqlLongString(text) }),
    ))
      first.sent(exchange)
    first.replies(prepared(stream, ids[stream] as Buffer))
  })

  const second = new CqlDialect(2, statements)
  const statementOf = (opcode: number, body: Buffer): string | undefined =>
    second.requests(cqlFrame({ opcode, stream: 3, body }))[0]?.exchange.statement
  expect(statementOf(0x0a, cqlShortBytes(ids[1] as Buffer))).toBe(texts[1])
  const value = Buffer.concat([cqlInt(3), Buffer.from('abc')])
  const unset = cqlInt(-2)
  const batch = Buffer.concat([
    Buffer.from([1]),
    cqlShort(3),
    Buffer.from([1]),
    cqlShortBytes(ids[0] as Buffer),
    cqlShort(2),
    value,
    unset,
    Buffer.from([0]),
    cqlLongString('DELETE FROM other'),
    cqlShort(0),
    Buffer.from([1]),
    cqlShortBytes(ids[1] as Buffer),
    cqlShort(1),
    value,
  ])
  expect(statementOf(0x0d, batch)).toBe([texts[0], 'DELETE FROM other', texts[1]].join('\n'))
  expect(statementOf(0x0a, cqlShortBytes(Buffer.from('unknown')))).toBe('')
})

const parse = (name: string, text: string): Buffer =>
  postgresMessage('P', Buffer.from(`${name}\0${text}\0\0\0`))
const bind = (name: string): Buffer => postgresMessage('B', Buffer.from(`\0${name}\0\0\0\0\0\0\0`))
const sync = postgresMessage('S', Buffer.alloc(0))
const ready = (status: string): Buffer => postgresMessage('Z', Buffer.from(status))

test('a Postgres request is known by its statements, and ends where the server is ready again', () => {
  const dialect = new PostgresDialect(1)
  const asked = dialect.requests(
    Buffer.concat([
      startup,
      postgresMessage('Q', Buffer.from('BEGIN\0')),
      parse('insert-1', 'INSERT INTO orders'),
      bind('insert-1'),
      sync,
      bind('insert-1'),
      sync,
    ]),
  )
  expect(asked.map(({ exchange }) => [exchange.api, exchange.statement])).toEqual([
    ['Startup', ''],
    ['Query', 'BEGIN'],
    ['Execute', 'INSERT INTO orders'],
    ['Execute', 'INSERT INTO orders'],
  ])
  for (const { exchange } of asked) dialect.sent(exchange)
  const answers = dialect.replies(
    Buffer.concat([
      postgresMessage('R', Buffer.alloc(4)),
      ready('I'),
      postgresMessage('C', Buffer.from('BEGIN\0')),
      ready('T'),
    ]),
  )
  expect(answers.map(({ exchange, isLast }) => [exchange.api, isLast])).toEqual([
    ['Startup', false],
    ['Startup', true],
    ['Query', false],
    ['Query', true],
  ])
  // In a transaction a refused statement fails it all.
  const refusal = dialect.answer(asked[2]?.exchange ?? never(), { sqlState: '40001' })
  expect(refusal.includes('C40001\0')).toBe(true)
  expect(refusal.subarray(-6)).toEqual(ready('E'))
})

test('the pieces of a replication stream are said unasked, until it ends', () => {
  const dialect = new PostgresDialect(1)
  const query = Buffer.concat([startup, postgresMessage('Q', Buffer.from('START_REPLICATION SLOT x\0'))])
  for (const { exchange } of dialect.requests(query)) dialect.sent(exchange)
  const said = dialect.replies(
    Buffer.concat([
      ready('I'),
      postgresMessage('W', Buffer.alloc(3)),
      postgresMessage('d', Buffer.from('k')),
      postgresMessage('d', Buffer.from('w')),
      postgresMessage('c', Buffer.alloc(0)),
      ready('I'),
    ]),
  )
  expect(said.map(({ exchange, isLast }) => [exchange.api, exchange.from, isLast])).toEqual([
    ['Startup', 'client', true],
    ['Query', 'client', true],
    ['Keepalive', 'server', true],
    ['XLogData', 'server', true],
    ['c', 'server', true],
    ['Z', 'server', true],
  ])
  const [status] = dialect.requests(postgresMessage('d', Buffer.from('r')))
  expect(status?.exchange.api).toBe('StandbyStatus')
})

const never = (): never => {
  throw new Error('there is no such request')
}
