import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Kafka, KafkaAdmin } from '../../src/kafka/types.ts'
import { startKafkaFaultProxy } from '../../src/testing/index.ts'
import type { Injection, KafkaFaultProxy, Side } from '../../src/testing/index.ts'
import { connect, readAll, record, unique, until, valuesOf } from './kafka-support.ts'
import { stack } from './support/stack.ts'

const direct = connect()
let admin: KafkaAdmin
let proxy: KafkaFaultProxy
let kafka: Kafka
const topics: string[] = []

beforeAll(() => {
  admin = direct.admin()
})
beforeEach(async () => {
  proxy = await startKafkaFaultProxy(stack.kafka)
  kafka = connect({}, [proxy.address])
})
afterEach(async () => {
  await kafka.close()
  await proxy.close()
})
afterAll(async () => {
  await admin.deleteTopics(topics)
  await direct.close()
})

const freshTopic = async (): Promise<string> => {
  const name = unique('kafka-faults')
  topics.push(name)
  await admin.ensureTopics([{ name, partitions: 1 }])
  return name
}

/** The next request of this API suffers; the connection is cut with it. */
const cutNext = (api: string, side: Side): Injection => proxy.inject({ api, fault: { kind: 'cut', side } })

const nobody = (groupId: string) => ({ groupId, memberId: '', generationId: -1, groupInstanceId: null })

describe('a transaction over a broken connection', () => {
  it.each([
    ['reply', 7, ['turn']],
    ['request', -1, []],
  ] as const)(
    'is unknown when its end is cut off (%s), and the stable offsets tell',
    async (fault, offset, seen) => {
      const topic = await freshTopic()
      const groupId = unique('unknown')
      const producer = kafka.transactionalProducer(unique('unknown'))
      await producer.init()
      await producer.send([record(topic, 0, 'turn')])
      await producer.sendOffsets(nobody(groupId), [{ topic, partition: 0, offset: 7 }])
      cutNext('EndTxn', fault)
      expect(await producer.commit()).toBe('unknown')
      await expect(producer.send([record(topic, 0, 'more')])).rejects.toMatchObject({
        code: 'SLUICE_KAFKA_TRANSACTION_FAILED',
      })
      await producer.init()
      expect(await kafka.admin().committedOffsets(groupId, [{ topic, partition: 0 }])).toEqual([
        { topic, partition: 0, offset },
      ])
      expect(valuesOf(await readAll(direct, [{ topic, partition: 0 }]))).toEqual(seen)
    },
  )

  it.each(['reply', 'request'] as const)(
    'writes a batch once when its produce is cut off (%s)',
    async fault => {
      const topic = await freshTopic()
      const producer = kafka.transactionalProducer(unique('once'))
      await producer.init()
      await producer.send([record(topic, 0, 'a')])
      cutNext('Produce', fault)
      await producer.send([record(topic, 0, 'b'), record(topic, 0, 'c')])
      await producer.send([record(topic, 0, 'd')])
      expect(await producer.commit()).toBe('committed')
      await producer.send([record(topic, 0, 'e')])
      expect(await producer.commit()).toBe('committed')
      expect(valuesOf(await readAll(direct, [{ topic, partition: 0 }]))).toEqual(['a', 'b', 'c', 'd', 'e'])
    },
  )

  it('takes a new epoch before the next transaction when a reply was lost', async () => {
    const topic = await freshTopic()
    const producer = kafka.transactionalProducer(unique('epoch'))
    await producer.init()
    cutNext('Produce', 'reply')
    await producer.send([record(topic, 0, 'a')])
    expect(await producer.commit()).toBe('committed')
    const cut = cutNext('InitProducerId', 'request')
    await producer.send([record(topic, 0, 'b')])
    expect(cut.struck).toBe(1)
    expect(await producer.commit()).toBe('committed')
  })

  it('loses an abort without harm', async () => {
    const topic = await freshTopic()
    const producer = kafka.transactionalProducer(unique('abort'))
    await producer.init()
    await producer.send([record(topic, 0, 'dropped')])
    cutNext('EndTxn', 'reply')
    await producer.abort()
    cutNext('InitProducerId', 'reply')
    await producer.send([record(topic, 0, 'dropped too')])
    await producer.abort()
    await producer.send([record(topic, 0, 'kept')])
    expect(await producer.commit()).toBe('committed')
    expect(valuesOf(await readAll(direct, [{ topic, partition: 0 }]))).toEqual(['kept'])
  })

  it('goes on after idle connections were dropped and the broker was away', async () => {
    const topic = await freshTopic()
    const producer = kafka.transactionalProducer(unique('idle'))
    await producer.init()
    await producer.send([record(topic, 0, 'a')])
    expect(await producer.commit()).toBe('committed')
    proxy.cutAll()
    await producer.send([record(topic, 0, 'b')])
    proxy.setDown(true)
    const sending = producer.send([record(topic, 0, 'c')])
    setTimeout(() => proxy.setDown(false), 300)
    await sending
    expect(await producer.commit()).toBe('committed')
    expect(valuesOf(await readAll(direct, [{ topic, partition: 0 }]))).toEqual(['a', 'b', 'c'])
  })

  it('gives up in the end, with an error that says so', async () => {
    const topic = await freshTopic()
    const impatient = connect({ operationTimeoutMs: 300 }, [proxy.address])
    const producer = impatient.transactionalProducer(unique('gone'))
    await producer.init()
    proxy.setDown(true)
    await expect(producer.send([record(topic, 0, 'x')])).rejects.toMatchObject({
      code: 'SLUICE_KAFKA_UNAVAILABLE',
      reaction: 'forget-turn',
    })
    await expect(impatient.admin().listTopics()).rejects.toMatchObject({
      code: 'SLUICE_KAFKA_UNAVAILABLE',
      reaction: 'retry',
    })
    const reader = impatient.reader()
    reader.assign([{ topic, partition: 0, offset: 0 }])
    await expect(reader.poll(1, 10_000)).rejects.toMatchObject({
      code: 'SLUICE_KAFKA_UNAVAILABLE',
      reaction: 'retry',
    })
    proxy.setDown(false)
    expect(await reader.poll(1, 100)).toEqual([])
    await impatient.close()
  })
})

describe('a reader over a broken connection', () => {
  it('sees every record once', async () => {
    const topic = await freshTopic()
    const producer = direct.transactionalProducer(unique('reader'))
    await producer.init()
    const reader = kafka.reader()
    reader.assign([{ topic, partition: 0, offset: 0 }])
    const seen: string[] = []
    for (let round = 0; round < 10; round++) {
      await producer.send(Array.from({ length: 20 }, (_, index) => record(topic, 0, `${round * 20 + index}`)))
      expect(await producer.commit()).toBe('committed')
      if (round % 3 === 0) proxy.cutAll()
      if (round % 3 === 1) cutNext('Fetch', 'reply')
      seen.push(...valuesOf(await reader.poll(7, 1000)))
    }
    await until(async () => {
      seen.push(...valuesOf(await reader.poll(50, 100)))
      return seen.length >= 200
    })
    expect(seen).toEqual(Array.from({ length: 200 }, (_, index) => `${index}`))
  })
})

describe('a group member over a broken connection', () => {
  it('keeps its membership', async () => {
    const topic = await freshTopic()
    const groupId = unique('member')
    const member = kafka.groupMember({
      groupId,
      topics: [topic],
      protocolName: 'test',
      heartbeatIntervalMs: 50,
      sessionTimeoutMs: 6000,
      assign: members =>
        members.map(({ memberId }) => ({ memberId, partitions: [], userData: Buffer.alloc(0) })),
    })
    const events: string[] = []
    member.onRebalance(reason => events.push(reason))
    const { metadata } = await member.join(() => Buffer.alloc(0))
    for (let cut = 1; cut <= 3; cut++) await cutNext('Heartbeat', 'reply').done
    await kafka.admin().commitOffsets(metadata, [{ topic, partition: 0, offset: 1 }])
    expect(member.metadata()).toEqual(metadata)
    expect(events).toEqual([])
    await member.leave()
  })
})
