import { afterEach, beforeEach, expect, test } from 'vitest'
import { formatLsn, parseLsn } from '../../src/cdc/lsn.ts'
import { RelayFixture, until } from './support/relay-fixture.ts'
import { stack } from './support/stack.ts'

let outbox: RelayFixture

beforeEach(async () => {
  outbox = await RelayFixture.create(stack)
})

afterEach(async () => {
  await outbox.close()
})

test('rows arrive as Debezium would write them', async () => {
  const relay = outbox.start()
  await outbox.streaming(relay)
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  const id = await outbox.insert('order-1', {
    orderId: 'order-1',
    big: 12345678901234567890n.toString(),
    traceparent,
  })
  const [record] = await outbox.arrived([id])
  expect(record?.key?.toString()).toBe('order-1')
  expect(record?.headers.map(([name, value]) => [name, value.toString()])).toEqual([
    ['id', id],
    ['eventType', 'OrderCreated'],
    ['traceparent', traceparent],
  ])
  const { envelope } = record ?? {}
  expect(envelope).toMatchObject({ before: null, op: 'c', transaction: null })
  expect(envelope?.after).toMatchObject({
    id,
    aggregatetype: 'order',
    aggregateid: 'order-1',
    type: 'OrderCreated',
  })
  expect(JSON.parse(envelope?.after?.payload ?? '')).toMatchObject({ orderId: 'order-1' })
  const source = envelope?.source
  expect(source).toMatchObject({
    connector: 'postgresql',
    snapshot: 'false',
    db: outbox.name,
    schema: 'public',
  })
  expect(source?.ts_ms).toBe(record?.timestamp)
  expect(source?.ts_ns).toBe(BigInt(source?.ts_us ?? 0) * 1000n)
  const xmin = await outbox.sql.query<{ xid: string }>('SELECT xmin::text AS xid FROM outbox_event')
  expect(source?.txId).toBe(Number(xmin.rows[0]?.xid))
  expect(JSON.parse(source?.sequence ?? '')).toHaveLength(2)
})

test('transactions that overlap arrive in commit order, rolled back ones never', async () => {
  const relay = outbox.start({ partitions: 1 })
  await outbox.streaming(relay)
  const [one, two, three] = await Promise.all([outbox.connect(), outbox.connect(), outbox.connect()])
  for (const client of [one, two, three]) await client.query('BEGIN')
  const first = await outbox.insert('key', { from: 'one' }, one)
  const second = await outbox.insert('key', { from: 'two' }, two)
  await outbox.insert('key', { from: 'three' }, three)
  const third = await outbox.insert('key', { from: 'one again' }, one)
  await two.query('COMMIT')
  await three.query('ROLLBACK')
  const fourth = await outbox.insert('key')
  await one.query('COMMIT')
  const records = await outbox.arrived([first, second, third, fourth])
  expect(records.map(record => record.envelope.after?.id)).toEqual([second, fourth, first, third])
  await Promise.all([one.end(), two.end(), three.end()])
})

test('a restart goes on where the relay stopped, and a large transaction is split', async () => {
  const relay = outbox.start({ partitions: 1 })
  await outbox.streaming(relay)
  const before = await outbox.insert('key')
  await outbox.arrived([before])
  await relay.stop()
  const many = await outbox.insertMany(20_000)
  const again = outbox.start({ maxRecords: 900 })
  const records = await outbox.arrived([before, ...many])
  expect(records.map(record => record.envelope.after?.id)).toEqual([before, ...many])
  expect(again.status.kafkaTransactions).toBeGreaterThan(20)
  expect(again.status.restarts).toBe(0)
})

test('rows older than the slot come as a snapshot, once, whatever interrupts it', async () => {
  const old = await outbox.insertMany(2_500, 3)
  const interrupted = outbox.start({ maxRecords: 100 })
  await until('a part of the snapshot is sent', () => interrupted.status.eventsSent >= 300)
  await interrupted.stop()
  expect((await outbox.ids()).length).toBeLessThan(2_500)
  const relay = outbox.start()
  await outbox.streaming(relay)
  const later = await outbox.insert('key-1')
  const records = await outbox.arrived([...old, later])
  const marks = records.map(record => record.envelope.source.snapshot)
  expect(marks.filter(mark => mark === 'last')).toHaveLength(1)
  expect(records.filter(record => record.envelope.op === 'r')).toHaveLength(2_500)
})

test('a transaction whose commit begins where the confirmed one ended is not skipped', async () => {
  const relay = outbox.start({ partitions: 1 })
  await outbox.streaming(relay)
  const [one, two] = await Promise.all([outbox.connect(), outbox.connect()])
  // Without waiting for the disk nothing comes between two commit records.
  for (const client of [one, two]) await client.query('SET synchronous_commit = off')
  const ids: string[] = []
  for (let round = 0; round < 10; round += 1) {
    for (const client of [one, two]) await client.query('BEGIN')
    ids.push(await outbox.insert('key', {}, one), await outbox.insert('key', {}, two))
    await one.query('COMMIT')
    await relay.stop().catch(() => {})
    await two.query('COMMIT')
    const next = outbox.start({ partitions: 1 })
    expect(await outbox.arrived(ids)).toHaveLength(ids.length)
    await next.stop()
  }
  await Promise.all([one.end(), two.end()])
})

test('a quiet database moves the slot', async () => {
  const relay = outbox.start()
  await outbox.streaming(relay)
  await outbox.arrived([await outbox.insert('key')])
  await outbox.sql.query('CREATE TABLE other (n int)')
  await outbox.sql.query('INSERT INTO other SELECT generate_series(1, 10000)')
  const end = await outbox.sql.query<{ lsn: string }>('SELECT pg_current_wal_lsn()::text AS lsn')
  const target = parseLsn(end.rows[0]?.lsn ?? '')
  await until(
    'the slot has passed what is not ours',
    async () => parseLsn(await outbox.confirmedLsn()) >= target,
  )
  expect(formatLsn(parseLsn(relay.status.confirmedLsn ?? ''))).toBe(relay.status.confirmedLsn)
  await until('the lag is measured', () => relay.status.slotLagBytes !== undefined)
})

test('a slot that was dropped is an error that says what to do, and resync mends it', async () => {
  const { resync } = await import('../../src/cdc/resync.ts')
  const relay = outbox.start()
  await outbox.streaming(relay)
  const sent = await outbox.insert('key')
  await outbox.arrived([sent])
  await relay.stop()
  await outbox.sql.query('SELECT pg_drop_replication_slot($1)', [outbox.name])
  const missed = await outbox.insert('key')
  await expect(outbox.start().done).rejects.toMatchObject({
    code: 'SLUICE_RELAY_SLOT_LOST',
    remedy: expect.stringContaining('sluice relay resync') as string,
  })
  // Somebody makes it by hand: rows between are missing all the same.
  await outbox.sql.query(`SELECT pg_create_logical_replication_slot($1, 'pgoutput')`, [outbox.name])
  await expect(outbox.start().done).rejects.toMatchObject({ code: 'SLUICE_RELAY_SLOT_LOST' })
  await resync(outbox.options, outbox.dependencies(new AbortController().signal))
  const records = await outbox.arrived([sent, missed])
  expect(records.find(record => record.envelope.after?.id === missed)?.envelope.op).toBe('r')
  outbox.start()
  await outbox.arrived([sent, missed, await outbox.insert('key')])
})

test('of two relays the first is fenced, and ends', async () => {
  const first = outbox.start()
  await outbox.streaming(first)
  const ids = [await outbox.insert('key')]
  await outbox.arrived(ids)
  const second = outbox.start()
  await expect(first.done).rejects.toMatchObject({ code: 'SLUICE_RELAY_FENCED' })
  await outbox.streaming(second)
  ids.push(...(await outbox.insertMany(100)))
  await outbox.arrived(ids)
})

test('a slot that something else reads from is left alone', async () => {
  const relay = outbox.start()
  await outbox.streaming(relay)
  await expect(outbox.start({ name: `${outbox.name}_other` }).done).rejects.toMatchObject({
    code: 'SLUICE_RELAY_SLOT_IN_USE',
    message: expect.stringContaining(outbox.name) as string,
  })
  expect(await outbox.arrived([await outbox.insert('key')])).toHaveLength(1)
  await outbox.kafka.admin().deleteTopics([`${outbox.name}_other-position`])
})

test('a lost connection is made again without loss', async () => {
  const relay = outbox.start()
  await outbox.streaming(relay)
  const ids = await outbox.insertMany(50)
  for (let round = 0; round < 3; round += 1) {
    ids.push(...(await outbox.insertMany(200)))
    await outbox.sql.query(
      'SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = $1 AND active',
      [outbox.name],
    )
    ids.push(...(await outbox.insertMany(200)))
    expect(await outbox.arrived(ids)).toHaveLength(ids.length)
  }
  await until('it has noticed', () => relay.status.restarts > 0)
})

test('pruning deletes what is on the topic, and nothing else', async () => {
  const relay = outbox.start({ pruneAfterMs: 1 })
  await outbox.streaming(relay)
  const ids = await outbox.insertMany(500)
  await outbox.arrived(ids)
  await until('the table is empty', async () => {
    const rows = await outbox.sql.query('SELECT 1 FROM outbox_event LIMIT 1')
    return rows.rowCount === 0
  })
  expect(relay.status.prunedRows).toBe(500)
  const later = await outbox.insert('key')
  await outbox.arrived([...ids, later])
})

test('a publication that is missing is named', async () => {
  await outbox.sql.query('DROP PUBLICATION sluice_outbox')
  await expect(outbox.start().done).rejects.toMatchObject({ code: 'SLUICE_RELAY_PUBLICATION_MISSING' })
})
