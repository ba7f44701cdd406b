import { Admin } from '@platformatic/kafka'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import type { KafkaAdmin, TransactionalProducer } from '../../src/kafka/types.ts'
import { connect, readAll, readToEnd, record, unique, until, valuesOf } from './kafka-support.ts'
import { stack } from './support/stack.ts'

const kafka = connect()
const plain = connect({ compression: 'none' })
let admin: KafkaAdmin
const topics: string[] = []

beforeAll(() => {
  admin = kafka.admin()
})
afterAll(async () => {
  await admin.deleteTopics(topics)
  await kafka.close()
  await plain.close()
})

const freshTopic = async (partitions = 1, config: Record<string, string> = {}): Promise<string> => {
  const name = unique('kafka-reader')
  topics.push(name)
  await admin.ensureTopics([{ name, partitions, config }])
  return name
}

const producerOf = async (client = kafka): Promise<TransactionalProducer> => {
  const producer = client.transactionalProducer(unique('reader'))
  await producer.init()
  return producer
}

describe('a reader with transactions', () => {
  it('tells whose each record is, and hands out the markers with the broker’s time', async () => {
    const topic = await freshTopic()
    const producer = await producerOf()
    const before = systemClock.now()
    await producer.send([record(topic, 0, 'gone')])
    await producer.abort()
    await producer.send([record(topic, 0, 'kept'), record(topic, 0, 'too')])
    await producer.commit()
    await producer.send([record(topic, 0, 'open')])
    const reader = kafka.reader({ transactions: true })
    reader.assign([{ topic, partition: 0, offset: 0 }])
    const read = await readToEnd(reader, [{ topic, partition: 0 }])
    await producer.abort()
    const seen = read.map(({ transaction, value }) => transaction?.marker ?? value?.toString())
    expect(seen).toEqual(['gone', 'abort', 'kept', 'too', 'commit', 'open'])
    expect(read.every(({ transaction }) => transaction !== undefined)).toBe(true)
    const commit = read.find(({ transaction }) => transaction?.marker === 'commit')
    expect(commit?.transaction?.producerId).toBe(read[2]?.transaction?.producerId)
    expect(commit?.timestamp).toBeGreaterThanOrEqual(before)
    expect(commit?.timestamp).toBeLessThanOrEqual(systemClock.now() + 1)
  })
})

describe('offsets by time', () => {
  it('are those of the first record or marker so late, or the end', async () => {
    const topic = await freshTopic(2)
    const producer = await producerOf()
    await producer.send([1_000, 2_000, 3_000].map(timestamp => ({ ...record(topic, 0, 'x'), timestamp })))
    await producer.commit()
    const partitions = [0, 1].map(partition => ({ topic, partition }))
    const offsetsAt = async (time: number): Promise<number[]> =>
      (await admin.offsetsAt(partitions, time)).map(({ offset }) => offset)
    expect(await offsetsAt(-1)).toEqual([0, 0])
    expect(await offsetsAt(1_500.5)).toEqual([1, 0])
    expect(await offsetsAt(3_001)).toEqual([3, 0])
    expect(await offsetsAt(systemClock.now() + 60_000)).toEqual([4, 0])
  })
})

describe('a read-committed reader', () => {
  it('hides two aborted transactions of one producer in one fetch', async () => {
    const topic = await freshTopic()
    const producer = await producerOf()
    for (const value of ['first', 'second']) {
      await producer.send([record(topic, 0, value)])
      await producer.abort()
    }
    await producer.send([record(topic, 0, 'kept')])
    await producer.commit()
    const partitions = [{ topic, partition: 0 }]
    expect(valuesOf(await readAll(kafka, partitions))).toEqual(['kept'])
    expect(valuesOf(await readAll(kafka, partitions, 'read_uncommitted'))).toEqual([
      'first',
      'second',
      'kept',
    ])
  })

  it('hides an aborted transaction that is longer than one fetch, between committed ones', async () => {
    const topic = await freshTopic()
    const producer = await producerOf(plain)
    const value = 'x'.repeat(100_000)
    await producer.send([record(topic, 0, 'before')])
    await producer.commit()
    for (let part = 0; part < 6; part++) {
      await producer.send(Array.from({ length: 9 }, () => record(topic, 0, value)))
    }
    await producer.abort()
    await producer.send([record(topic, 0, 'after')])
    await producer.commit()
    expect(valuesOf(await readAll(kafka, [{ topic, partition: 0 }]))).toEqual(['before', 'after'])
  })

  it('hides aborted records between those of another producer, and holds back what is still open', async () => {
    const topic = await freshTopic()
    const [one, two] = [await producerOf(), await producerOf()]
    await one.send([record(topic, 0, 'one')])
    await two.send([record(topic, 0, 'two')])
    await one.send([record(topic, 0, 'one again')])
    await two.abort()
    const reader = kafka.reader()
    const partition = { topic, partition: 0 }
    reader.assign([{ ...partition, offset: 0 }])
    expect(await readToEnd(reader, [partition])).toEqual([])
    await one.commit()
    const seen: string[] = []
    await until(async () => {
      seen.push(...valuesOf(await reader.poll(10, 100)))
      return seen.length >= 2
    })
    expect(seen).toEqual(['one', 'one again'])
  })

  it('passes markers and aborted records with its position, so that the end is known to be reached', async () => {
    const topic = await freshTopic()
    const partition = { topic, partition: 0 }
    const producer = await producerOf()
    await producer.send([record(topic, 0, 'kept')])
    await producer.commit()
    await producer.send([record(topic, 0, 'dropped')])
    await producer.abort()
    const [end] = await admin.listOffsets([partition], 'latest-committed')
    expect(end?.offset).toBe(4)
    const reader = kafka.reader()
    reader.assign([{ ...partition, offset: 0 }])
    expect(valuesOf(await readToEnd(reader, [partition]))).toEqual(['kept'])
    expect(reader.position(partition)).toBe(4)
    expect(reader.endOffset(partition)).toBe(4)
  })
})

describe('a reader', () => {
  it('starts at the offset asked for, in the middle of a batch', async () => {
    const topic = await freshTopic()
    const producer = await producerOf()
    await producer.send(Array.from({ length: 10 }, (_, index) => record(topic, 0, `${index}`)))
    await producer.commit()
    const reader = kafka.reader()
    const partition = { topic, partition: 0 }
    reader.assign([{ ...partition, offset: 6 }])
    expect(reader.position(partition)).toBe(6)
    expect(valuesOf(await readToEnd(reader, [partition]))).toEqual(['6', '7', '8', '9'])
  })

  it('hands out at most what is asked for, in order, and counts its position by what it handed out', async () => {
    const topic = await freshTopic()
    const partition = { topic, partition: 0 }
    const producer = await producerOf()
    await producer.send(Array.from({ length: 100 }, (_, index) => record(topic, 0, `${index}`)))
    await producer.commit()
    const reader = kafka.reader()
    reader.assign([{ ...partition, offset: 0 }])
    const seen: string[] = []
    while (seen.length < 100) {
      const records = await reader.poll(7, 1000)
      expect(records.length).toBeLessThanOrEqual(7)
      seen.push(...valuesOf(records))
      // At the end it may have passed the marker already.
      expect([seen.length, 101]).toContain(reader.position(partition))
    }
    expect(seen).toEqual(Array.from({ length: 100 }, (_, index) => `${index}`))
  })

  it('keeps the others going while partitions are paused, added and removed', async () => {
    const topic = await freshTopic(3)
    const producer = await producerOf()
    const write = async (round: number): Promise<void> => {
      await producer.send([0, 1, 2].map(partition => record(topic, partition, `${partition}:${round}`)))
      await producer.commit()
    }
    const reader = kafka.reader()
    const [first, second, third] = [0, 1, 2].map(partition => ({ topic, partition, offset: 0 }))
    if (first === undefined || second === undefined || third === undefined)
      throw new Error('three partitions')
    await write(0)
    reader.assign([first, second])
    const seen: string[] = []
    const take = async (count: number): Promise<void> => {
      while (seen.length < count) seen.push(...valuesOf(await reader.poll(100, 200)))
    }
    await take(2)
    reader.pause([first])
    reader.add([third])
    await write(1)
    await take(5)
    expect(seen.toSorted()).toEqual(['0:0', '1:0', '1:1', '2:0', '2:1'])
    reader.remove([second])
    reader.resume([first])
    await write(2)
    await take(8)
    expect(seen.slice(5).toSorted()).toEqual(['0:1', '0:2', '2:2'])
    expect(reader.position(second)).toBeUndefined()
  })

  it('does not lose what is buffered for a paused partition', async () => {
    const topic = await freshTopic()
    const partition = { topic, partition: 0 }
    const producer = await producerOf()
    await producer.send(Array.from({ length: 10 }, (_, index) => record(topic, 0, `${index}`)))
    await producer.commit()
    const reader = kafka.reader()
    reader.assign([{ ...partition, offset: 0 }])
    const seen = valuesOf(await reader.poll(3, 1000))
    reader.pause([partition])
    expect(await reader.poll(10, 50)).toEqual([])
    reader.resume([partition])
    while (seen.length < 10) seen.push(...valuesOf(await reader.poll(10, 1000)))
    expect(seen).toEqual(Array.from({ length: 10 }, (_, index) => `${index}`))
  })

  it('bounds what it buffers, and still reads all of a log that is larger', async () => {
    const topic = await freshTopic(2)
    const producer = await producerOf(plain)
    const value = 'x'.repeat(50_000)
    for (let round = 0; round < 3; round++) {
      await producer.send(Array.from({ length: 60 }, (_, index) => record(topic, index % 2, value)))
    }
    await producer.commit()
    const reader = kafka.reader({ maxBytes: 1024 * 1024 })
    const partitions = [0, 1].map(partition => ({ topic, partition }))
    reader.assign(partitions.map(of => ({ ...of, offset: 0 })))
    expect(await readToEnd(reader, partitions)).toHaveLength(180)
  })

  it('names the offset that the log does not have', async () => {
    const topic = await freshTopic()
    const reader = kafka.reader()
    reader.assign([{ topic, partition: 0, offset: 1000 }])
    await expect(reader.poll(1, 10_000)).rejects.toMatchObject({
      code: 'SLUICE_KAFKA_OFFSET_OUT_OF_RANGE',
      reaction: 'stop',
      details: { topic, partition: 0, offset: 1000 },
    })
    expect(() => reader.assign([{ topic, partition: 0, offset: -1 }])).toThrow(
      expect.objectContaining({ code: 'SLUICE_KAFKA_OFFSET_INVALID' }),
    )
  })

  it('ends a waiting poll when it is closed', async () => {
    const topic = await freshTopic()
    const reader = kafka.reader()
    reader.assign([{ topic, partition: 0, offset: 0 }])
    const refused = reader.poll(1, 60_000).catch((error: unknown) => error)
    await reader.close()
    expect(await refused).toMatchObject({ code: 'SLUICE_KAFKA_CLOSED' })
  })
})

describe('the admin', () => {
  it('creates what is missing and refuses another partition count', async () => {
    const name = await freshTopic(3, { 'retention.ms': '-1' })
    await admin.ensureTopics([{ name, partitions: 3 }])
    await expect(admin.ensureTopics([{ name, partitions: 4 }])).rejects.toMatchObject({
      code: 'SLUICE_KAFKA_PARTITIONS_DIFFER',
      details: { topic: name, partitions: 3, wanted: 4 },
    })
    expect(await admin.listTopics()).toContain(name)
    await expect(admin.describeTopics([unique('missing')])).rejects.toMatchObject({
      code: 'SLUICE_KAFKA_UNKNOWN_TOPIC',
    })
    await expect(admin.listOffsets([{ topic: name, partition: 3 }], 'latest')).rejects.toMatchObject({
      code: 'SLUICE_KAFKA_UNKNOWN_TOPIC',
    })
  })

  it('forgets a deleted topic, and deletes one that is gone already', async () => {
    const name = await freshTopic()
    await admin.deleteTopics([name])
    expect(await admin.listTopics()).not.toContain(name)
    await admin.deleteTopics([name])
  })

  it('notices partitions that were added, and writes to and reads from them', async () => {
    const topic = await freshTopic(2)
    const producer = await producerOf()
    await producer.send([record(topic, 1, 'old')])
    await producer.commit()
    const client = new Admin({ clientId: 'test', bootstrapBrokers: [stack.kafka] })
    await client.createPartitions({ topics: [{ name: topic, count: 4 }] })
    await client.close()
    await until(async () => (await admin.describeTopics([topic]))[0]?.partitions === 4)
    await producer.send([record(topic, 3, 'new')])
    expect(await producer.commit()).toBe('committed')
    const partitions = [0, 1, 2, 3].map(partition => ({ topic, partition }))
    expect(valuesOf(await readAll(kafka, partitions)).toSorted()).toEqual(['new', 'old'])
  })

  it('lists first, last stable and last offsets', async () => {
    const topic = await freshTopic()
    const partition = { topic, partition: 0 }
    const producer = await producerOf()
    await producer.send([record(topic, 0, 'a'), record(topic, 0, 'b')])
    await producer.commit()
    await producer.send([record(topic, 0, 'pending')])
    const offsets = await Promise.all(
      (['earliest', 'latest-committed', 'latest'] as const).map(at => admin.listOffsets([partition], at)),
    )
    expect(offsets.flat().map(({ offset }) => offset)).toEqual([0, 3, 4])
    await producer.abort()
  })
})
