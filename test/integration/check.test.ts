import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { topicOf, type Evidence, type Position } from '../../src/check/evidence.ts'
import { gatherEvidence, runCheck } from '../../src/check/run-check.ts'
import type { CheckReport, InvariantId, Subject } from '../../src/check/types.ts'
import { waitForQuiescence } from '../../src/check/wait-for-quiescence.ts'
import { namesOf, soundWorld, type World } from '../check/world.ts'
import { changelogOf, seed, writtenOf, type Seeded } from './check-seed.ts'
import { stack } from './support/stack.ts'

type Names = ReturnType<typeof namesOf>

interface Plant {
  readonly title: string
  readonly id: InvariantId
  readonly plant: (seeded: Seeded, world: World, names: Names) => Promise<unknown>
  readonly subject: (names: Names) => Subject
  readonly message: RegExp
}

const the = <T>(item: T | undefined): T => {
  if (item === undefined) throw new Error('the sound world lacks it')
  return item
}

const changeStock = async (seeded: Seeded, sku: string, assignment: string): Promise<void> => {
  const result = await seeded.cassandra.execute(
    `UPDATE stock SET ${assignment} WHERE sku = ? AND generation = 0 IF version = 1`,
    [sku],
  )
  expect(result.wasApplied()).toBe(true)
}

const plants: readonly Plant[] = [
  {
    title: 'a unit vanished from available',
    id: 'I1',
    plant: (seeded, _, { lamp }) => changeStock(seeded, lamp, 'available = 6'),
    subject: ({ lamp }) => ({ sku: lamp }),
    message: /Cassandra adjusted 10, available 6/,
  },
  {
    title: 'an adjustment deleted from Postgres',
    id: 'I1',
    plant: (seeded, _, { initialMug }) =>
      seeded.postgres.query('DELETE FROM stock_adjustment WHERE id = $1', [initialMug]),
    subject: ({ mug }) => ({ sku: mug }),
    message: /differ: .*Postgres adjusted 0/,
  },
  {
    title: 'available below zero',
    id: 'I2',
    plant: (seeded, _, { mug }) => changeStock(seeded, mug, 'available = -3'),
    subject: ({ mug }) => ({ sku: mug }),
    message: /available -3/,
  },
  {
    title: 'a refusal in an exact mode',
    id: 'I2',
    plant: (seeded, world, { saleLamp, stranger }) => {
      const last = the(world.log.committed.updates.find(update => update.eventId === saleLamp))
      const refusal = { ...last, eventId: stranger, type: 'refusal', version: 5 }
      return seeded.write(writtenOf('updates', [refusal]), 'commit')
    },
    subject: ({ lamp, stranger }) => ({ sku: lamp, eventId: stranger }),
    message: /version 5 refused/,
  },
  {
    title: 'a second confirmation',
    id: 'I3',
    plant: (seeded, world, { stranger }) => {
      const again = { ...the(world.log.committed.confirmed[0]), eventId: stranger }
      return seeded.write(writtenOf('confirmed', [again]), 'commit')
    },
    subject: ({ sold }) => ({ orderId: sold }),
    message: /2 order-confirmed and 0 order-rejected/,
  },
  {
    title: 'an order with no end',
    id: 'I3',
    plant: (seeded, _, { stranger }) =>
      seeded.postgres.query(
        "INSERT INTO orders (id, customer_id, status, lines, total_minor, created_at) VALUES ($1, 'guest', 'created', '[]', 0, now())",
        [stranger],
      ),
    subject: ({ stranger }) => ({ orderId: stranger }),
    message: /still open/,
  },
  {
    title: 'a row deleted from the history',
    id: 'I4',
    plant: (seeded, _, { lamp }) =>
      seeded.cassandra.execute(
        "DELETE FROM stock_update WHERE sku = ? AND bucket = '2026-01-01' AND version = 2",
        [lamp],
      ),
    subject: ({ lamp }) => ({ sku: lamp }),
    message: /version 2 of the topic is missing/,
  },
  {
    title: 'a state that differs from its history',
    id: 'I4',
    plant: (seeded, _, { mug }) =>
      seeded.cassandra.execute('UPDATE stock_state SET sold = 9 WHERE sku = ?', [mug]),
    subject: ({ mug }) => ({ sku: mug }),
    message: /stock_state has on hand 4, reserved 0, sold 9/,
  },
  {
    title: 'a record in the wrong partition',
    id: 'I5',
    plant: (seeded, world, { stranger }) => {
      const record = the(world.log.committed.validated[0])
      const moved = { ...record, eventId: stranger, partition: record.partition ^ 1 }
      return seeded.write(writtenOf('validated', [moved]), 'commit')
    },
    subject: ({ sold }) => ({ orderId: sold, topic: topicOf.validated }),
    message: /belongs in partition/,
  },
  {
    title: 'an outbox row that is not on the topic',
    id: 'I6',
    plant: (seeded, _, { sold, stranger }) =>
      seeded.postgres.query(
        "INSERT INTO outbox_event (id, aggregatetype, aggregateid, type, payload) VALUES ($1, 'order', $2, 'OrderCreated', '{}')",
        [stranger, sold],
      ),
    subject: ({ sold, stranger }) => ({ orderId: sold, eventId: stranger }),
    message: /on the topic 0 times/,
  },
  {
    title: 'an order deleted from Postgres',
    id: 'I7',
    plant: (seeded, _, { refused }) => seeded.postgres.query('DELETE FROM orders WHERE id = $1', [refused]),
    subject: ({ refused }) => ({ orderId: refused, topic: topicOf.created }),
    message: /no row in orders/,
  },
  {
    title: 'an old reservation of nobody',
    id: 'I7',
    plant: (seeded, _, { mug, stranger }) =>
      seeded.cassandra.execute(
        "INSERT INTO stock (sku, generation, entry, kind, quantity, state, at) VALUES (?, 0, ?, 'reservation', 1, 'held', ?) IF NOT EXISTS",
        [mug, stranger, new Date(0)],
      ),
    subject: ({ mug, stranger }) => ({ sku: mug, orderId: stranger }),
    message: /no order or adjustment has it/,
  },
  {
    title: 'a level in the changelog that is off by one',
    id: 'I8',
    plant: (seeded, world, { mug }) => {
      const level = the(world.log.changelog.levels.get(mug))
      return seeded.write(
        changelogOf({ levels: new Map([[mug, { ...level, sold: 2 }]]), entries: new Map() }),
        'commit',
      )
    },
    subject: ({ mug }) => ({ sku: mug }),
    message: /orders-stock-ledger-changelog has version 3: on hand 4, reserved 0, sold 2/,
  },
  {
    title: 'a movement that the ledger did not apply',
    id: 'I8',
    plant: (seeded, world, { lineMug, stranger }) => {
      const line = the(world.log.committed.movements.find(movement => movement.eventId === lineMug))
      return seeded.write(
        writtenOf('movements', [{ ...line, orderId: stranger, eventId: stranger }]),
        'commit',
      )
    },
    subject: ({ mug, stranger }) => ({ sku: mug, eventId: stranger }),
    message: /replay makes of it reservation 1 .*there is no such stock-update/,
  },
  {
    title: 'an update of an aborted transaction in the history',
    id: 'I9',
    plant: async (seeded, world, { lamp, saleLamp, stranger }) => {
      const last = the(world.log.committed.updates.find(update => update.eventId === saleLamp))
      await seeded.write(writtenOf('updates', [{ ...last, eventId: stranger, version: 5 }]), 'abort')
      await seeded.cassandra.execute(
        'INSERT INTO stock_update (sku, bucket, version, event_id, type, quantity, on_hand, reserved, sold) ' +
          "VALUES (?, '2026-01-02', 5, ?, 'sale', 3, 4, 0, 6)",
        [lamp, stranger],
      )
    },
    subject: ({ lamp, stranger }) => ({ sku: lamp, eventId: stranger }),
    message: /aborted transaction only, yet stands in the history/,
  },
  {
    title: 'one event committed twice',
    id: 'I9',
    plant: (seeded, world, { lineMug }) => {
      const line = the(world.log.committed.movements.find(movement => movement.eventId === lineMug))
      return seeded.write(writtenOf('movements', [line]), 'commit')
    },
    subject: ({ mug, lineMug }) => ({ sku: mug, eventId: lineMug }),
    message: /committed twice/,
  },
]

const merge = (worlds: readonly World[]): World => {
  const merged = soundWorld(0xfff)
  for (const world of worlds) {
    for (const [key, value] of Object.entries(world)) {
      if (!(value instanceof Map)) continue
      const target: unknown = Reflect.get(merged, key)
      if (target instanceof Map) for (const [name, item] of value) target.set(name, item)
    }
    for (const part of ['levels', 'entries'] as const) {
      const target = merged.log.changelog[part] as Map<string, unknown>
      for (const [sku, item] of world.log.changelog[part]) target.set(sku, item)
    }
    for (const part of ['committed', 'aborted'] as const) {
      for (const [stream, records] of Object.entries(world.log[part])) {
        const target: unknown = Reflect.get(merged.log[part], stream)
        if (Array.isArray(target)) target.push(...records)
      }
    }
  }
  return merged
}

/** Evidence without what differs between a world in memory and the same one on servers: offsets, and their order. */
const comparable = (evidence: Evidence | World): unknown => {
  const entriesOf = (map: ReadonlyMap<string, unknown>): unknown[] =>
    [...map].sort(([one], [other]) => one.localeCompare(other))
  const { orders, adjustments, outboxRows, stock, stockStates, stockUpdates } = evidence
  const recordsOf = (part: Evidence['log']['committed']): unknown =>
    Object.entries(part).map(([stream, records]: [string, readonly (Position & { eventId: string })[]]) => [
      stream,
      records
        .map(record => ({ ...record, offset: 0 }))
        .sort((one, other) => one.eventId.localeCompare(other.eventId)),
    ])
  return {
    tables: [orders, adjustments, outboxRows, stock, stockStates, stockUpdates].map(entriesOf),
    changelog: [evidence.log.changelog.levels, evidence.log.changelog.entries].map(entriesOf),
    committed: recordsOf(evidence.log.committed),
    aborted: recordsOf(evidence.log.aborted),
  }
}

const violationsAbout = (report: CheckReport, id: InvariantId, subject: Subject): string[] =>
  report.invariants
    .filter(result => result.id === id)
    .flatMap(({ violations }) => violations)
    .filter(violation =>
      Object.entries(subject).every(([name, value]) => Reflect.get(violation.subject, name) === value),
    )
    .map(({ message }) => message)

describe('check, on real servers', () => {
  const copies = plants.map((_, index) => soundWorld(index))
  const world = merge(copies)
  let seeded: Seeded

  beforeAll(async () => {
    const first = the(world.log.committed.movements[0])
    // An aborted attempt with the same ids, as every retried turn leaves behind.
    world.log.aborted.movements.push({ ...first })
    seeded = await seed(stack, world)
  })

  afterAll(async () => {
    await seeded.close()
  })

  test('reads from Postgres, Cassandra and the log what was written, committed and aborted told apart', async () => {
    expect(comparable(await gatherEvidence(seeded.targets))).toEqual(comparable(world))
  })

  test('finds a sound system sound, with something compared by every invariant', async () => {
    const phases = new Set<string>()
    const report = await runCheck({ ...seeded.targets, onProgress: ({ phase }) => phases.add(phase) })
    expect(report.invariants.filter(({ ok }) => !ok)).toEqual([])
    expect(report.ok).toBe(true)
    expect(Math.min(...report.invariants.map(({ compared }) => compared))).toBeGreaterThan(0)
    expect([...phases].sort()).toEqual(['cassandra', 'invariants', 'log', 'postgres'])
  })

  test('is quiet when the outbox is drained, and says what is left when groups lag', async () => {
    const quiet = await waitForQuiescence({ ...seeded.targets, timeoutMs: 10_000, groups: [] })
    expect(quiet).toMatchObject({ openOrders: 0, outboxRows: 0 })
    const topics = [`${seeded.targets.topicPrefix}${topicOf.updates}`]
    const groups = [{ groupId: `${seeded.targets.topicPrefix}nobody`, topics }]
    await expect(waitForQuiescence({ ...seeded.targets, timeoutMs: 3_000, groups })).rejects.toMatchObject({
      code: 'SLUICE_CHECK_NOT_QUIET',
      message: expect.stringMatching(`nobody ${world.log.committed.updates.length} records behind`),
    })
  })

  describe('with one violation of each kind planted', () => {
    let report: CheckReport

    beforeAll(async () => {
      for (const [index, { plant }] of plants.entries())
        await plant(seeded, the(copies[index]), namesOf(index))
      report = await runCheck(seeded.targets)
    })

    test.each(plants.map((plant, index) => ({ ...plant, index })))(
      '$id: $title',
      ({ id, subject, message, index }) => {
        expect(violationsAbout(report, id, subject(namesOf(index)))).toEqual(
          expect.arrayContaining([expect.stringMatching(message)]),
        )
      },
    )

    test('every invariant fails, and none blames what was left alone', () => {
      expect(report.ok).toBe(false)
      expect(report.invariants.map(({ ok }) => ok)).toEqual(report.invariants.map(() => false))
      const untouched = Object.values(namesOf(0xfff))
      const blamed = report.invariants.flatMap(({ violations }) =>
        violations.flatMap(({ subject }) => [subject.sku, subject.orderId, subject.eventId]),
      )
      expect(blamed.filter(name => name !== undefined && untouched.includes(name))).toEqual([])
    })
  })

  test('an unreachable server is an error that names it', async () => {
    await expect(runCheck({ ...seeded.targets, kafka: '127.0.0.1:1' })).rejects.toMatchObject({
      code: 'SLUICE_CHECK_KAFKA_UNREACHABLE',
    })
    await expect(runCheck({ ...seeded.targets, keyspace: 'nowhere' })).rejects.toMatchObject({
      code: 'SLUICE_CHECK_CASSANDRA_UNREACHABLE',
    })
  })
})
