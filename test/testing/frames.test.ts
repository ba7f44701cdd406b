import { array, assert, constantFrom, nat, oneof, property, string, tuple, uint8Array } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ByteQueue } from '../../src/testing/byte-queue.ts'
import { CqlDialect } from '../../src/testing/cql/dialect.ts'
import { PreparedStatements } from '../../src/testing/cql/statements.ts'
import type { Dialect } from '../../src/testing/exchange.ts'
import { KafkaDialect } from '../../src/testing/kafka/dialect.ts'
import { postgresMessage } from '../../src/testing/postgres/answers.ts'
import { PostgresDialect } from '../../src/testing/postgres/dialect.ts'
import { cqlFrame, kafkaFrame, startup } from './support/frames.ts'

// A network may cut the bytes anywhere: what is understood must not depend on it.

/** Cuts bytes at any places. */
const slicesOf = (bytes: Buffer, cuts: readonly number[]): Buffer[] => {
  const at = [0, ...cuts.map(cut => cut % (bytes.length + 1)).sort((one, other) => one - other), bytes.length]
  return at.slice(1).map((end, index) => bytes.subarray(at[index], end))
}

const anyCuts = array(nat({ max: 100_000 }), { maxLength: 40 })
const anyBytes = uint8Array({ maxLength: 60 }).map(bytes => Buffer.from(bytes))
const anyText = string({ maxLength: 20 }).map(text => text.replaceAll('\0', ''))

interface Said {
  readonly api: string
  readonly statement: string
  readonly bytes: string
}

const requestsOf = (dialect: Dialect<never>, chunks: readonly Buffer[]): Said[] =>
  chunks
    .flatMap(chunk => dialect.requests(chunk))
    .map(({ exchange, bytes }) => {
      dialect.sent(exchange)
      return { api: exchange.api, statement: exchange.statement, bytes: bytes.toString('hex') }
    })

const repliesOf = (dialect: Dialect<never>, chunks: readonly Buffer[]) =>
  chunks
    .flatMap(chunk => dialect.replies(chunk))
    .map(({ exchange, bytes, isLast }) => ({ api: exchange.api, isLast, bytes: bytes.toString('hex') }))

/** What is understood of the bytes: requests, then replies, and all the bytes that were passed on. */
const understood = (dialect: Dialect<never>, client: readonly Buffer[], server: readonly Buffer[]) => {
  const requests = requestsOf(dialect, client)
  const replies = repliesOf(dialect, server)
  const bytesOf = (said: readonly { readonly bytes: string }[]): string =>
    said.map(({ bytes }) => bytes).join('')
  return { requests, replies, clientBytes: bytesOf(requests), serverBytes: bytesOf(replies) }
}

test('a queue gives back its bytes in order, whatever sizes are pushed and taken', () => {
  assert(
    property(array(anyBytes), array(nat({ max: 30 })), (pushed, taken) => {
      const queue = new ByteQueue()
      for (const bytes of pushed) queue.push(bytes)
      const all = Buffer.concat(pushed)
      let position = 0
      for (const length of taken) {
        const expected =
          position + length <= all.length ? all.subarray(position, position + length) : undefined
        expect(queue.peek(length)).toEqual(expected)
        expect(queue.take(length)).toEqual(expected)
        position += expected?.length ?? 0
      }
      expect(queue.takeAll()).toEqual(all.subarray(position))
    }),
  )
})

describe('any slicing of the bytes is understood alike:', () => {
  test('Kafka', () => {
    const anyRequest = tuple(constantFrom(0, 3, 12, 26, 28, 999), constantFrom(0, 4), anyBytes)
    assert(
      property(array(anyRequest, { maxLength: 12 }), anyCuts, (asked, cuts) => {
        const client = asked.map(([key, version, body], id) => kafkaFrame({ key, version, id, body }))
        // Replies of any order would do; what is in them is left alone but for three APIs.
        const server = asked.flatMap(([key, , body], id) =>
          key === 3 ? [] : [kafkaFrame({ id, body, isReply: true })],
        )
        const [said, answered] = [Buffer.concat(client), Buffer.concat(server)]
        const whole = understood(new KafkaDialect(1, new Map()), [said], [answered])
        expect(whole).toMatchObject({
          clientBytes: said.toString('hex'),
          serverBytes: answered.toString('hex'),
        })
        expect(
          understood(new KafkaDialect(1, new Map()), slicesOf(said, cuts), slicesOf(answered, cuts)),
        ).toEqual(whole)
      }),
    )
  })

  test('CQL', () => {
    const anyFrame = tuple(constantFrom(0x01, 0x05, 0x0b), anyBytes)
    assert(
      property(array(anyFrame, { maxLength: 12 }), anyCuts, (asked, cuts) => {
        const client = asked.map(([opcode, body], stream) => cqlFrame({ opcode, stream, body }))
        const server = asked.map(([, body], stream) =>
          cqlFrame({ opcode: 0x02, stream, body, isReply: true }),
        )
        const event = cqlFrame({ opcode: 0x0c, stream: -1, body: Buffer.from('up'), isReply: true })
        const [said, answered] = [Buffer.concat(client), Buffer.concat([...server, event])]
        const whole = understood(new CqlDialect(1, new PreparedStatements()), [said], [answered])
        expect(whole).toMatchObject({
          clientBytes: said.toString('hex'),
          serverBytes: answered.toString('hex'),
        })
        expect(
          understood(
            new CqlDialect(1, new PreparedStatements()),
            slicesOf(said, cuts),
            slicesOf(answered, cuts),
          ),
        ).toEqual(whole)
      }),
    )
  })

  test('Postgres', () => {
    const anyQuery = oneof(
      anyText.map(text => [postgresMessage('Q', Buffer.from(`${text}\0`))]),
      tuple(anyText, anyText).map(([name, text]) => [
        postgresMessage('P', Buffer.from(`${name}\0${text}\0\0\0`)),
        postgresMessage('B', Buffer.from(`\0${name}\0\0\0\0\0\0\0`)),
        postgresMessage('E', Buffer.from('\0\0\0\0\0')),
        postgresMessage('S', Buffer.alloc(0)),
      ]),
      anyBytes.map(bytes => [postgresMessage('d', bytes)]),
    )
    const rows = anyBytes.map(bytes => postgresMessage('D', bytes))
    assert(
      property(array(anyQuery, { maxLength: 8 }), array(rows), anyCuts, (asked, answers, cuts) => {
        const ready = postgresMessage('Z', Buffer.from('I'))
        const server = [ready, ...asked.flatMap(() => [...answers, ready])]
        const [said, answered] = [Buffer.concat([startup, ...asked.flat()]), Buffer.concat(server)]
        const whole = understood(new PostgresDialect(1), [said], [answered])
        expect(whole).toMatchObject({
          clientBytes: said.toString('hex'),
          serverBytes: answered.toString('hex'),
        })
        expect(understood(new PostgresDialect(1), slicesOf(said, cuts), slicesOf(answered, cuts))).toEqual(
          whole,
        )
      }),
    )
  })
})
