import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { GroupMetadata, KafkaAdmin } from '../../src/kafka/types.ts'
import { connect, readAll, record, unique, valuesOf } from './kafka-support.ts'

const kafka = connect()
const topic = unique('kafka-transactions')
const other = unique('kafka-transactions-other')
let admin: KafkaAdmin
const partition0 = { topic, partition: 0 }

beforeAll(async () => {
  admin = kafka.admin()
  await admin.ensureTopics([
    { name: topic, partitions: 3 },
    { name: other, partitions: 2 },
  ])
})

afterAll(async () => {
  await admin.deleteTopics([topic, other])
  await kafka.close()
})

/** A topic of its own for a test that looks at everything in it. */
const freshTopic = async (partitions = 1): Promise<string> => {
  const name = unique('kafka-tx')
  await admin.ensureTopics([{ name, partitions }])
  return name
}

/** Not a member of a group: what an offset commit outside of one carries; good for tests of the offsets alone. */
const nobody = (groupId: string): GroupMetadata => ({
  groupId,
  memberId: '',
  generationId: -1,
  groupInstanceId: null,
})

const join = async (groupId: string) => {
  const member = kafka.groupMember({
    groupId,
    topics: [topic],
    protocolName: 'test',
    heartbeatIntervalMs: 200,
    assign: members =>
      members.map(({ memberId }) => ({ memberId, partitions: [partition0], userData: Buffer.alloc(0) })),
  })
  return { member, joined: await member.join(() => Buffer.alloc(0)) }
}

describe('a transactional producer', () => {
  it('restarts with the same transactional id, again and again', async () => {
    const name = await freshTopic()
    const id = unique('restart')
    for (let round = 0; round < 4; round++) {
      const producer = kafka.transactionalProducer(id)
      await producer.init()
      await producer.send([record(name, 0, `round ${round}`)])
      expect(await producer.commit()).toBe('committed')
      await producer.close()
    }
    expect(valuesOf(await readAll(kafka, [{ topic: name, partition: 0 }]))).toEqual(
      [0, 1, 2, 3].map(round => `round ${round}`),
    )
  })

  it('is fenced by the next owner of its id, and nothing of its transaction is seen', async () => {
    const name = await freshTopic()
    const id = unique('zombie')
    const zombie = kafka.transactionalProducer(id)
    await zombie.init()
    await zombie.send([record(name, 0, 'zombie')])
    const owner = kafka.transactionalProducer(id)
    await owner.init()
    expect(await zombie.commit()).toBe('aborted')
    const refusal = { code: 'SLUICE_KAFKA_PRODUCER_FENCED', reaction: 'rebuild-producer' }
    await expect(zombie.abort()).rejects.toMatchObject(refusal)
    await expect(zombie.send([record(name, 0, 'zombie again')])).rejects.toMatchObject(refusal)
    // The zombie's attempts have not taken the id back.
    await owner.send([record(name, 0, 'owner')])
    expect(await owner.commit()).toBe('committed')
    expect(valuesOf(await readAll(kafka, [{ topic: name, partition: 0 }]))).toEqual(['owner'])
  })

  it('does not take its id back from the next owner by an abort, with or without an open transaction', async () => {
    for (const hasSent of [false, true]) {
      const name = await freshTopic()
      const id = unique('thief')
      const zombie = kafka.transactionalProducer(id)
      await zombie.init()
      if (hasSent) await zombie.send([record(name, 0, 'zombie')])
      const owner = kafka.transactionalProducer(id)
      await owner.init()
      await owner.send([record(name, 0, 'owner')])
      await expect(zombie.abort()).rejects.toMatchObject({ code: 'SLUICE_KAFKA_PRODUCER_FENCED' })
      expect(await owner.commit()).toBe('committed')
      expect(valuesOf(await readAll(kafka, [{ topic: name, partition: 0 }]))).toEqual(['owner'])
    }
  })

  it('is fenced by the admin, which also ends its open transaction', async () => {
    const name = await freshTopic()
    const id = unique('fence')
    const producer = kafka.transactionalProducer(id)
    await producer.init()
    await producer.send([record(name, 0, 'lost')])
    await admin.fenceProducer(id)
    const [end] = await admin.listOffsets([{ topic: name, partition: 0 }], 'latest-committed')
    const [all] = await admin.listOffsets([{ topic: name, partition: 0 }], 'latest')
    expect(end).toEqual(all)
    await expect(producer.send([record(name, 0, 'more')])).rejects.toMatchObject({
      code: 'SLUICE_KAFKA_PRODUCER_FENCED',
    })
    await producer.init()
    expect(valuesOf(await readAll(kafka, [{ topic: name, partition: 0 }]))).toEqual([])
  })

  it('refuses to commit after a failed send: the transaction is never torn', async () => {
    const name = await freshTopic()
    const short = connect({ operationTimeoutMs: 500 })
    const producer = short.transactionalProducer(unique('torn'))
    await producer.init()
    await producer.send([record(name, 0, 'first half')])
    await expect(producer.send([record(unique('missing'), 0, 'second half')])).rejects.toMatchObject({
      reaction: 'forget-turn',
    })
    await expect(producer.commit()).rejects.toMatchObject({
      code: 'SLUICE_KAFKA_TRANSACTION_FAILED',
      reaction: 'forget-turn',
    })
    await producer.abort()
    await producer.send([record(name, 0, 'whole')])
    expect(await producer.commit()).toBe('committed')
    expect(valuesOf(await readAll(kafka, [{ topic: name, partition: 0 }]))).toEqual(['whole'])
    await short.close()
  })

  it('writes to several topics and partitions in one transaction', async () => {
    const names = [await freshTopic(3), await freshTopic(2)]
    const partitions = names.flatMap((name, index) =>
      [0, 1, 2].slice(index).map(partition => ({ topic: name, partition: partition - index })),
    )
    const producer = kafka.transactionalProducer(unique('many'))
    await producer.init()
    const records = Array.from({ length: 100 }, (_, index) => {
      const of = partitions[index % partitions.length]
      return record(of?.topic ?? '', of?.partition ?? 0, `${index}`)
    })
    await producer.send(records.slice(0, 60))
    await producer.send(records.slice(60))
    expect(await producer.commit()).toBe('committed')
    const seen = valuesOf(await readAll(kafka, partitions))
    expect(seen.toSorted((a, b) => Number(a) - Number(b))).toEqual(records.map((_, index) => `${index}`))
  })

  it('commits the offsets of all partitions together', async () => {
    const groupId = unique('offsets')
    const producer = kafka.transactionalProducer(unique('offsets'))
    await producer.init()
    const { member, joined } = await join(groupId)
    const positions = [
      { topic, partition: 0, offset: 3 },
      { topic, partition: 1, offset: 5 },
      { topic, partition: 2, offset: 7 },
      { topic: other, partition: 1, offset: 11 },
    ]
    await producer.sendOffsets(joined.metadata, positions)
    expect(await producer.commit()).toBe('committed')
    expect(await admin.committedOffsets(groupId, positions)).toEqual(positions)
    await member.leave()
  })

  it('drops the offsets of an aborted transaction', async () => {
    const groupId = unique('dropped')
    const producer = kafka.transactionalProducer(unique('dropped'))
    await producer.init()
    await producer.sendOffsets(nobody(groupId), [{ ...partition0, offset: 3 }])
    await producer.abort()
    expect(await admin.committedOffsets(groupId, [partition0])).toEqual([{ ...partition0, offset: -1 }])
  })

  it('sends the offsets again with the current generation in the same transaction', async () => {
    const groupId = unique('generation')
    const name = await freshTopic()
    const producer = kafka.transactionalProducer(unique('generation'))
    await producer.init()
    const { member, joined: old } = await join(groupId)
    await producer.send([record(name, 0, 'kept')])
    const current = await member.join(() => Buffer.from('changed'))
    expect(current.metadata.generationId).toBeGreaterThan(old.metadata.generationId)
    const position = { ...partition0, offset: 42 }
    await expect(producer.sendOffsets(old.metadata, [position])).rejects.toMatchObject({
      code: 'SLUICE_KAFKA_STALE_GENERATION',
      reaction: 'retry',
    })
    await producer.sendOffsets(current.metadata, [position])
    expect(await producer.commit()).toBe('committed')
    expect(await admin.committedOffsets(groupId, [partition0])).toEqual([position])
    expect(valuesOf(await readAll(kafka, [{ topic: name, partition: 0 }]))).toEqual(['kept'])
    await member.leave()
  })

  it('shows committed offsets only when no transaction is pending on them', async () => {
    const groupId = unique('stable')
    const producer = kafka.transactionalProducer(unique('stable'))
    await producer.init()
    const position = { ...partition0, offset: 9 }
    await producer.sendOffsets(nobody(groupId), [position])
    await expect(admin.committedOffsets(groupId, [partition0], 100)).rejects.toMatchObject({
      code: 'SLUICE_KAFKA_UNAVAILABLE',
      reaction: 'retry',
      details: { kafkaError: 'UNSTABLE_OFFSET_COMMIT' },
    })
    // The reader waits for the end of the transaction, and then sees it.
    const [read, outcome] = await Promise.all([
      admin.committedOffsets(groupId, [partition0]),
      producer.commit(),
    ])
    expect(outcome).toBe('committed')
    expect(read).toEqual([position])
  })

  it('needs nowhere near a second for back-to-back transactions', async () => {
    const name = await freshTopic()
    const producer = kafka.transactionalProducer(unique('fast'))
    await producer.init()
    const times: number[] = []
    for (let index = 0; index < 21; index++) {
      const start = performance.now()
      await producer.send([record(name, 0, `${index}`)])
      expect(await producer.commit()).toBe('committed')
      times.push(performance.now() - start)
    }
    const median = times.toSorted((a, b) => a - b)[10]
    expect(median).toBeLessThan(500)
  })

  // The coordinator looks every 10 s; a timeout of its own choice would be noticed by this one.
  it(
    'passes its transaction timeout on: the broker ends an overdue transaction, and the commit is refused',
    { timeout: 28_000 },
    async () => {
      const name = await freshTopic()
      const producer = kafka.transactionalProducer(unique('overdue'), { transactionTimeoutMs: 1000 })
      await producer.init()
      await producer.send([record(name, 0, 'overdue')])
      const all = await admin.listOffsets([{ topic: name, partition: 0 }], 'latest')
      // The abort marker moves the end of the log; it is written when the coordinator next looks, within 10 s or so.
      for (;;) {
        const [end] = await admin.listOffsets([{ topic: name, partition: 0 }], 'latest-committed')
        if ((end?.offset ?? 0) > (all[0]?.offset ?? 0)) break
      }
      expect(await producer.commit()).toBe('aborted')
      await producer.init()
      await producer.send([record(name, 0, 'in time')])
      expect(await producer.commit()).toBe('committed')
      expect(valuesOf(await readAll(kafka, [{ topic: name, partition: 0 }]))).toEqual(['in time'])
    },
  )

  it('splits what is larger than one request may carry per partition', async () => {
    const name = await freshTopic()
    const producer = connect({ compression: 'none' })
    const writer = producer.transactionalProducer(unique('large'))
    await writer.init()
    const value = 'x'.repeat(10_000)
    const records = Array.from({ length: 250 }, (_, index) => record(name, 0, `${index}:${value}`))
    await writer.send(records)
    expect(await writer.commit()).toBe('committed')
    const seen = valuesOf(await readAll(kafka, [{ topic: name, partition: 0 }]))
    expect(seen.map(text => Number(text.split(':')[0]))).toEqual(records.map((_, index) => index))
    await producer.close()
  })

  it('names a record that no broker takes, and can go on after the abort', async () => {
    const name = await freshTopic()
    const plain = connect({ compression: 'none' })
    const producer = plain.transactionalProducer(unique('huge'))
    await producer.init()
    await expect(producer.send([record(name, 0, 'x'.repeat(2_000_000))])).rejects.toMatchObject({
      code: 'SLUICE_KAFKA_RECORD_TOO_LARGE',
      reaction: 'stop',
      details: { topic: name, partition: 0 },
    })
    await producer.abort()
    await producer.send([record(name, 0, 'small')])
    expect(await producer.commit()).toBe('committed')
    await plain.close()
  })

  it.each(['none', 'lz4', 'zstd'] as const)(
    'keeps nulls, headers and doubled headers with %s',
    async compression => {
      const name = await freshTopic()
      const client = connect({ compression })
      const producer = client.transactionalProducer(unique('shapes'))
      await producer.init()
      const headers = [
        ['id', Buffer.from('1')],
        ['id', Buffer.from('2')],
        ['empty', Buffer.alloc(0)],
        ['ü', Buffer.from([0, 255])],
      ] as const
      const records = [
        { topic: name, partition: 0, timestamp: 5, key: Buffer.from('k'), value: null, headers },
        { topic: name, partition: 0, timestamp: 3, key: null, value: Buffer.from('v'), headers: [] },
        {
          topic: name,
          partition: 0,
          timestamp: 4,
          key: Buffer.alloc(0),
          value: Buffer.alloc(0),
          headers: [],
        },
      ]
      await producer.send(records)
      expect(await producer.commit()).toBe('committed')
      const read = await readAll(client, [{ topic: name, partition: 0 }])
      expect(read).toEqual(records.map((each, offset) => ({ ...each, offset })))
      await client.close()
    },
  )

  it('refuses calls that overlap, and calls before init', async () => {
    const producer = kafka.transactionalProducer(unique('usage'))
    await expect(producer.send([record(topic, 0, 'x')])).rejects.toMatchObject({
      code: 'SLUICE_KAFKA_NOT_INITIALISED',
    })
    await producer.init()
    expect(await producer.commit()).toBe('committed')
    const first = producer.send([record(topic, 0, 'x')])
    await expect(producer.send([record(topic, 0, 'y')])).rejects.toMatchObject({
      code: 'SLUICE_KAFKA_TRANSACTION_BUSY',
    })
    await first
    await producer.abort()
  })
})
