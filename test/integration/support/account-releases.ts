import { filter, map } from 'rxjs'
import { utf8 } from '../../../src/codec/serde.ts'
import {
  avroFormat,
  from,
  process,
  repartition,
  store,
  to,
  topic,
  topology,
  withKey,
} from '../../../src/streams/dsl/index.ts'
import type { Format, Topology } from '../../../src/streams/dsl/index.ts'

// One topology in two releases that differ in their schemas: movements of accounts in, running totals out.

export interface MovementV1 {
  readonly account: string
  readonly amount: number
  readonly memo: string
  readonly detail: string | null
}

/** A field renamed with an alias, a union with a branch more, a logical type that is new. */
export interface MovementV2 {
  readonly account: string
  readonly amount: number
  readonly note: string
  readonly detail: string | Buffer | null
  readonly at: number
}

export interface TotalV1 {
  readonly total: number
}

export interface TotalV2 extends TotalV1 {
  readonly entries: number
  readonly lastAt: number | null
}

const timestamp = { type: 'long', logicalType: 'timestamp-millis' }
const record = (name: string, ...fields: object[]): object => ({ type: 'record', name, fields })
const account = { name: 'account', type: 'string' }
const amount = { name: 'amount', type: 'long' }
const total = { name: 'total', type: 'long' }

export const movementV1 = record(
  'Movement',
  account,
  amount,
  { name: 'memo', type: 'string', default: '' },
  { name: 'detail', type: ['null', 'string'], default: null },
)
export const movementV2 = record(
  'Movement',
  account,
  amount,
  { name: 'note', type: 'string', default: '', aliases: ['memo'] },
  { name: 'detail', type: ['null', 'string', 'bytes'], default: null },
  { name: 'at', type: timestamp, default: 0 },
)
export const totalV1 = record('Total', total)
export const totalV2 = record(
  'Total',
  total,
  { name: 'entries', type: 'int', default: 0 },
  { name: 'lastAt', type: ['null', timestamp], default: null },
)

/** A field more, without a default: no value of version 1 has it. */
const movementRefused = record('Movement', account, amount, { name: 'currency', type: 'string' })

/** What the steps of one release were given, in words: to see that each value came in the shape of its own release. */
export type Seen = Set<string>

const partitions = 3

const flow = <M extends { readonly account: string; readonly amount: number }, T extends TotalV1>(
  name: string,
  movement: Format<M>,
  totalFormat: Format<T>,
  add: (movement: M, before: T | undefined) => T,
): Topology => {
  const input = topic(`${name}-movements`, { key: utf8, value: movement, partitions })
  const output = topic(`${name}-totals`, { key: utf8, value: totalFormat, partitions })
  const totals = store('totals', { key: utf8, value: totalFormat })
  return topology(name, {
    totals: from(input).pipe(
      filter(m => m.value.amount > 0),
      map(m => withKey(m, m.value.account)),
      repartition('by-account', { key: utf8, value: movement }),
      process('add', { totals }, (m, { totals: store }) => {
        const next = add(m.value, store.get(m.key))
        store.put(m.key, next)
        return [next]
      }),
      to(output),
    ),
  })
}

export const releaseV1 = (name: string, seen: Seen): Topology =>
  flow(
    name,
    avroFormat<MovementV1>(movementV1),
    avroFormat<TotalV1>(totalV1),
    ({ amount, memo, detail, ...more }, before) => {
      seen.add(`memo '${memo}' ${kindOf(detail)} ${Object.keys(more).join()}`)
      return { total: (before?.total ?? 0) + amount }
    },
  )

export const releaseV2 = (name: string, seen: Seen): Topology =>
  flow(
    name,
    avroFormat<MovementV2>(movementV2),
    avroFormat<TotalV2>(totalV2),
    ({ amount, note, detail, at }, before) => {
      seen.add(`note '${note}' ${kindOf(detail)} ${at === 0 ? 'no time' : 'a time'}`)
      return {
        total: (before?.total ?? 0) + amount,
        entries: (before?.entries ?? 0) + 1,
        lastAt: Math.max(before?.lastAt ?? 0, at),
      }
    },
  )

/** A release that no worker may run where version 1 has written. */
export const releaseRefused = (name: string): Topology =>
  flow(
    name,
    avroFormat<Pick<MovementV1, 'account' | 'amount'>>(movementRefused),
    avroFormat<TotalV1>(totalV1),
    ({ amount }, before) => ({ total: (before?.total ?? 0) + amount }),
  )

const kindOf = (detail: string | Buffer | null): string =>
  detail === null ? 'null' : Buffer.isBuffer(detail) ? 'bytes' : 'text'
