import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { connectorSettings, prepareDebezium, startConnect } from './support/debezium.ts'
import { readFlat } from './support/flat-records.ts'
import { RelayFixture, until } from './support/relay-fixture.ts'
import { stack } from './support/stack.ts'

const peer = await prepareDebezium()
const reason = 'missing' in peer ? ` (skipped: ${peer.missing})` : ''

test.skipIf('missing' in peer)(
  `Kafka Connect takes the documented settings, and a new relay sends only what Debezium has not${reason}`,
  async () => {
    if ('missing' in peer) return
    const outbox = await RelayFixture.create(stack)
    const folder = await mkdtemp(join(tmpdir(), 'sluice-connect-'))
    const slot = `${outbox.name}_debezium`
    await outbox.kafka.admin().ensureTopics([{ name: outbox.topic, partitions: 4, config: {} }])
    const theirs = [await outbox.insert('before')]
    const settings = connectorSettings(
      { postgres: outbox.options.postgresUrl, registry: stack.registry },
      {
        'slot.name': slot,
        // The schema's names come from the prefix; the topic is this test's own.
        transforms: 'key,route',
        'transforms.route.type': 'org.apache.kafka.connect.transforms.RegexRouter',
        'transforms.route.regex': '.*',
        'transforms.route.replacement': outbox.topic,
      },
    )
    const connect = startConnect(peer, settings, { kafka: stack.kafka, folder })
    try {
      await until('the snapshot is on the topic', async () => (await outbox.ids()).length === 1)
      theirs.push(...(await outbox.insertMany(20)))
      await outbox.arrived(theirs)
    } finally {
      await connect.kill()
    }
    const ours = await outbox.insertMany(5)
    await outbox.streaming(outbox.start())
    ours.push(await outbox.insert('after'))
    await outbox.arrived([...theirs, ...ours])

    const records = await readFlat(outbox.kafka, stack.registry, outbox.topic)
    const writers = Map.groupBy(records, record => record.fields['source.version'])
    const idsOf = (version: string): string[] =>
      (writers.get(version) ?? []).map(record => String(record.fields['after.id'])).toSorted()
    expect(idsOf('3.6.0.Final')).toEqual(theirs.toSorted())
    expect(idsOf('sluice-0.1.0')).toEqual(ours.toSorted())
    await until('nobody reads from the slot', async () => {
      const { rows } = await outbox.sql.query(
        'SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1 AND NOT active',
        [slot],
      )
      return rows.length === 1
    })
    await outbox.close()
    await rm(folder, { recursive: true, force: true })
  },
)
