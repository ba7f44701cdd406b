import type { Pgoutput } from 'pg-logical-replication'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { advance } from '../../src/cdc/session.ts'
import { formatLsn } from '../../src/cdc/lsn.ts'
import type { RelayPosition } from '../../src/cdc/position.ts'
import { TransactionDecoder } from '../../src/cdc/transaction-decoder.ts'
import type { StreamElement } from '../../src/cdc/transaction-decoder.ts'

const start: RelayPosition = {
  phase: 'stream',
  owner: 'o',
  systemId: '1',
  timeline: 1,
  slot: 's',
  commitLsn: 0n,
  index: -1,
  confirmedLsn: 0n,
  lastCommitLsn: null,
}

const relation = (name: string): Pgoutput.MessageRelation => ({
  tag: 'relation',
  relationOid: 1,
  schema: 'public',
  name,
  replicaIdentity: 'default',
  columns: [],
  keyColumns: [],
})

const insert = (id: string, table = 'outbox_event'): Pgoutput.Message => ({
  tag: 'insert',
  relation: relation(table),
  new: {
    id,
    aggregatetype: 'order',
    aggregateid: 'a',
    type: 'T',
    payload: '{"n": 1}',
    created_at: 'ignored',
  },
})

/** The messages of one transaction: commit record at `at`, its end 8 after. */
const transaction = (at: bigint, ids: readonly string[]): Pgoutput.Message[] => [
  { tag: 'begin', commitLsn: formatLsn(at), commitTime: 1_000n, xid: -1 },
  ...ids.map(id => insert(id)),
  { tag: 'commit', flags: 0, commitLsn: formatLsn(at), commitEndLsn: formatLsn(at + 8n), commitTime: 1_000n },
]

const decode = (position: RelayPosition, messages: readonly Pgoutput.Message[]): StreamElement[] => {
  const decoder = new TransactionDecoder(position, 'public', 'outbox_event')
  return messages.flatMap(message => decoder.take('0/1', message) ?? [])
}

const idsOf = (elements: readonly StreamElement[]): string[] =>
  elements.flatMap(element => (element.kind === 'row' ? [element.row.id] : []))

test('rows carry their transaction, and the end of the one before it', () => {
  const [, , second] = decode(start, [...transaction(100n, ['a']), ...transaction(200n, ['b'])])
  expect(second).toMatchObject({
    kind: 'row',
    index: 0,
    transaction: { commitLsn: 200n, lastCommitLsn: 108n, id: 4_294_967_295 },
    row: { id: 'b', aggregatetype: 'order', aggregateid: 'a', type: 'T', payload: '{"n": 1}' },
  })
  expect(second).not.toHaveProperty('row.created_at')
})

test('rows of other tables are left out, and the end is still told', () => {
  const [begin, , commit] = transaction(100n, ['a'])
  const messages = [begin, insert('x', 'other'), commit].filter(message => message !== undefined)
  expect(decode(start, messages)).toMatchObject([{ kind: 'end', lastIndex: -1, endLsn: 108n }])
})

test('from whatever point it goes on, every row comes once and in order', () => {
  const sizes = fc.array(fc.nat({ max: 5 }), { maxLength: 8 })
  fc.assert(
    fc.property(sizes, fc.nat({ max: 60 }), fc.boolean(), (counts, cut, isIdleAtCut) => {
      const messages = counts.flatMap((count, index) =>
        transaction(
          BigInt(100 + index * 8),
          Array.from({ length: count }, (_, row) => `${index}-${row}`),
        ),
      )
      const all = decode(start, messages)
      const before = all.slice(0, cut)
      let position = advance(start, before)
      const isWhole = before.at(-1)?.kind === 'end'
      if (isIdleAtCut && isWhole) position = advance(position, [{ kind: 'idle', lsn: position.confirmedLsn }])
      // Postgres sends again what was not confirmed: at worst all of it.
      expect([...idsOf(before), ...idsOf(decode(position, messages))]).toEqual(idsOf(all))
    }),
  )
})

test('a transaction whose commit begins where the last one ended is not covered', () => {
  const position = advance(start, [{ kind: 'idle', lsn: 108n }])
  expect(idsOf(decode(position, transaction(108n, ['b'])))).toEqual(['b'])
  expect(idsOf(decode(position, transaction(100n, ['a'])))).toEqual([])
})

test('only whole transactions let Postgres forget', () => {
  const elements = decode(start, transaction(100n, ['a', 'b', 'c']))
  expect(advance(start, elements.slice(0, 2))).toMatchObject({ commitLsn: 100n, index: 1, confirmedLsn: 0n })
  expect(advance(start, elements)).toMatchObject({
    commitLsn: 100n,
    index: 2,
    confirmedLsn: 108n,
    lastCommitLsn: 108n,
  })
})
