import { afterEach, beforeEach, expect, test } from 'vitest'
import { ReplicationStream } from '../../src/cdc/replication-stream.ts'
import { TransactionDecoder } from '../../src/cdc/transaction-decoder.ts'
import type { StreamElement } from '../../src/cdc/transaction-decoder.ts'
import { RelayFixture, until } from './support/relay-fixture.ts'
import { stack } from './support/stack.ts'

// What the replication module must not do with a slot: confirm, skip or start anywhere by itself.

let outbox: RelayFixture
const streams: ReplicationStream[] = []

beforeEach(async () => {
  outbox = await RelayFixture.create(stack)
  await outbox.sql.query(`SELECT pg_create_logical_replication_slot($1, 'pgoutput')`, [outbox.name])
})

afterEach(async () => {
  for (const stream of streams.splice(0)) await stream.close()
  await outbox.close()
})

const nothingCovered = {
  phase: 'stream',
  owner: 'test',
  systemId: '1',
  timeline: 1,
  slot: 'test',
  commitLsn: 1n,
  index: -1,
  confirmedLsn: 1n,
  lastCommitLsn: null,
} as const

const decoderOf = (): TransactionDecoder => new TransactionDecoder(nothingCovered, 'public', 'outbox_event')

const open = async (decoder: TransactionDecoder, statusIntervalMs = 60_000): Promise<ReplicationStream> => {
  const stream = new ReplicationStream({
    postgresUrl: outbox.options.postgresUrl,
    applicationName: outbox.name,
    slot: outbox.name,
    publication: 'sluice_outbox',
    decoder,
    confirmedLsn: 1n,
    maxQueuedBytes: 1_000_000,
    statusIntervalMs,
  })
  streams.push(stream)
  await stream.open()
  return stream
}

const idsIn = (elements: readonly StreamElement[]): string[] =>
  elements.flatMap(element => (element.kind === 'row' ? [element.row.id] : []))

const takeIds = async (stream: ReplicationStream, count: number): Promise<string[]> => {
  const ids: string[] = []
  while (ids.length < count) ids.push(...idsIn(await stream.take(1_000, 1_000_000)))
  return ids
}

const replyTime = async (): Promise<string | undefined> => {
  const result = await outbox.sql.query<{ at: string | null }>(
    'SELECT reply_time::text AS at FROM pg_stat_replication WHERE application_name = $1',
    [outbox.name],
  )
  return result.rows[0]?.at ?? undefined
}

test('what was received is not acknowledged until it is confirmed, however often Postgres is answered', async () => {
  const before = await outbox.confirmedLsn()
  const stream = await open(decoderOf(), 2_500)
  await takeIds(stream, (await outbox.insertMany(3)).length)
  // Two reports of our own lie 2.5 s apart: whatever else acknowledged on a timer would have done it in between.
  const seen = new Set<string>()
  await until('two status updates', async () => {
    const at = await replyTime()
    if (at !== undefined) seen.add(at)
    return seen.size >= 3
  })
  expect(await outbox.confirmedLsn()).toBe(before)
})

test(
  'rows that were taken and not confirmed come again on the next connection',
  { timeout: 30_000 },
  async () => {
    const first = await open(decoderOf())
    const ids = await outbox.insertMany(5)
    expect(await takeIds(first, 5)).toEqual(ids)
    await first.close()
    ids.push(...(await outbox.insertMany(2)))
    expect(await takeIds(await open(decoderOf()), 7)).toEqual(ids)
  },
)

test('a message that cannot be read ends the stream, and is not skipped', { timeout: 30_000 }, async () => {
  class Refusing extends TransactionDecoder {
    #rows = 0

    override take(...message: Parameters<TransactionDecoder['take']>): StreamElement | undefined {
      const element = super.take(...message)
      if (element?.kind === 'row' && ++this.#rows === 3) throw new Error('the third row')
      return element
    }
  }
  const stream = await open(new Refusing(nothingCovered, 'public', 'outbox_event'))
  const ids: string[] = []
  for (let row = 0; row < 6; row++) ids.push(...(await outbox.insertMany(1)))
  await expect(takeIds(stream, 6)).rejects.toMatchObject({ code: 'SLUICE_RELAY_MESSAGE_UNREADABLE' })
  await stream.close()
  expect(await takeIds(await open(decoderOf()), 6)).toEqual(ids)
})
