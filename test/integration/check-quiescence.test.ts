import { randomBytes } from 'node:crypto'
import { Admin, offsetCommitV8, Producer, stringSerializers } from '@platformatic/kafka'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Brokers } from '../../src/check/log/brokers.ts'
import { readLag } from '../../src/check/log/group-lag.ts'
import { readExtents } from '../../src/check/log/raw-log.ts'
import { systemClock } from '../../src/core/clock.ts'
import { stack } from './support/stack.ts'

describe('the lag of a group, as the wait for quiescence sees it', () => {
  const suffix = randomBytes(5).toString('hex')
  const topic = `check-lag-${suffix}`
  const groupId = `check-lag-${suffix}`
  const group = { groupId, topics: [topic] }
  const bootstrapBrokers = [stack.kafka]
  const clientId = 'check-test'
  const brokers = new Brokers(stack.kafka)
  const admin = new Admin({ clientId, bootstrapBrokers })
  const producer = new Producer({
    clientId,
    bootstrapBrokers,
    transactionalId: `check-lag-${suffix}`,
    idempotent: true,
    producerId: -1n,
    producerEpoch: -1,
    retryDelay: 20,
    retries: 200,
    serializers: stringSerializers,
  })

  const begin = async (records: number) => {
    const transaction = await producer.beginTransaction()
    const messages = Array.from({ length: records }, (_, index) => ({
      topic,
      partition: 0,
      key: 'k',
      value: `${index}`,
    }))
    await transaction.send({ messages })
    return transaction
  }
  const untilDecided = async (): Promise<number> => {
    const [extent] = await readExtents(brokers, [topic])
    if (extent !== undefined && extent.stable === extent.end) return extent.end
    await systemClock.sleep(20)
    return untilDecided()
  }
  /** As a consumer without a group membership commits. */
  const commitOffset = async (offset: number): Promise<void> => {
    const partitions = [{ partitionIndex: 0, committedOffset: BigInt(offset), committedLeaderEpoch: -1 }]
    const coordinator = await brokers.coordinator(groupId)
    await offsetCommitV8.api.async(coordinator, groupId, -1, '', null, [{ name: topic, partitions }])
  }

  beforeAll(async () => {
    await admin.createTopics({ topics: [topic], partitions: 1, replicas: 1 })
  })

  afterAll(async () => {
    await producer.close()
    await admin.deleteTopics({ topics: [topic] })
    await admin.close()
    await brokers.close()
  })

  test('nothing written is no lag', async () => {
    expect(await readLag(brokers, group)).toBe(0)
  })

  test('records never read count from the start, the marker behind them does not', async () => {
    await (await begin(3)).commit()
    expect(await untilDecided()).toBe(4)
    expect(await readLag(brokers, group)).toBe(3)
  })

  test('an offset after the last record is the end, though a marker lies behind it', async () => {
    await commitOffset(2)
    expect(await readLag(brokers, group)).toBe(1)
    await commitOffset(3)
    expect(await readLag(brokers, group)).toBe(0)
  })

  test('an open transaction is lag, an aborted one is none', async () => {
    const transaction = await begin(2)
    expect(await readLag(brokers, group)).toBe(2)
    await transaction.abort()
    await untilDecided()
    expect(await readLag(brokers, group)).toBe(0)
  })

  test('a topic that is not there is an error that names it', async () => {
    await expect(readLag(brokers, { groupId, topics: ['no-such-topic'] })).rejects.toMatchObject({
      code: 'SLUICE_CHECK_NO_TOPIC',
      message: expect.stringContaining('no-such-topic'),
    })
  })
})
