import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Assign, GroupJoin, GroupMember, Kafka, KafkaAdmin } from '../../src/kafka/types.ts'
import { Admin } from '@platformatic/kafka'
import { connect, unique, until } from './kafka-support.ts'
import { stack } from './support/stack.ts'

const kafka = connect()
const topic = unique('kafka-group')
const partitions = [0, 1, 2, 3].map(partition => ({ topic, partition }))
let admin: KafkaAdmin

beforeAll(async () => {
  admin = kafka.admin()
  await admin.ensureTopics([{ name: topic, partitions: 4 }])
})
afterAll(async () => {
  await admin.deleteTopics([topic])
  await kafka.close()
})

/** Deals the partitions out in turn, in the order of the members' user data, and tells each what it was called. */
const dealOut: Assign = members => {
  const sorted = members.toSorted((a, b) => a.userData.compare(b.userData))
  return sorted.map(({ memberId, userData }, index) => ({
    memberId,
    partitions: partitions.filter((_, position) => position % sorted.length === index),
    userData: Buffer.concat([Buffer.from('for '), userData]),
  }))
}

interface TestMember {
  readonly member: GroupMember
  readonly events: string[]
  join(): Promise<GroupJoin>
}

const createMember = (
  groupId: string,
  name: string,
  options: {
    groupInstanceId?: string
    sessionTimeoutMs?: number
    from?: Kafka
    heartbeatIntervalMs?: number
    protocolName?: string
  } = {},
): TestMember => {
  const { from = kafka, ...rest } = options
  const member = from.groupMember({
    groupId,
    topics: [topic],
    assign: dealOut,
    protocolName: 'test',
    heartbeatIntervalMs: 50,
    rebalanceTimeoutMs: 10_000,
    sessionTimeoutMs: 6_000,
    ...rest,
  })
  const events: string[] = []
  member.onRebalance(reason => events.push(reason))
  return { member, events, join: () => member.join(() => Buffer.from(name)) }
}

const numbers = ({ partitions: of }: GroupJoin): number[] => of.map(({ partition }) => partition)

describe('a group member', () => {
  it('is alone, is joined, shares, and is left again', async () => {
    const groupId = unique('share')
    const a = createMember(groupId, 'a')
    const alone = await a.join()
    expect(numbers(alone)).toEqual([0, 1, 2, 3])
    expect(alone).toMatchObject({ isLeader: true, userData: Buffer.from('for a') })
    expect(a.member.metadata()).toEqual(alone.metadata)

    const b = createMember(groupId, 'b')
    const joiningB = b.join()
    await until(() => a.events.length > 0)
    expect(a.events).toEqual(['rebalance'])
    const [sharedA, sharedB] = await Promise.all([a.join(), joiningB])
    expect([numbers(sharedA), numbers(sharedB)]).toEqual([
      [0, 2],
      [1, 3],
    ])
    expect(sharedB.userData.toString()).toBe('for b')
    expect(sharedA.metadata.generationId).toBe(sharedB.metadata.generationId)
    expect(sharedA.metadata.generationId).toBeGreaterThan(alone.metadata.generationId)

    await b.member.leave()
    await until(() => a.events.length > 1)
    expect(numbers(await a.join())).toEqual([0, 1, 2, 3])
    expect(a.events).toEqual(['rebalance', 'rebalance'])
    await a.member.leave()
    expect(a.member.metadata()).toBeUndefined()
  })

  it('is shown by the tools of Kafka with its topics and partitions', async () => {
    const groupId = unique('tools')
    const a = createMember(groupId, 'a')
    await a.join()
    const tools = new Admin({ clientId: 'test', bootstrapBrokers: [stack.kafka] })
    const group = (await tools.describeGroups({ groups: [groupId] })).get(groupId)
    await tools.close()
    expect(group).toMatchObject({ state: 'Stable', protocolType: 'consumer', protocol: 'test' })
    const [member] = [...(group?.members.values() ?? [])]
    expect(member?.metadata?.topics).toEqual([topic])
    expect(member?.assignments?.get(topic)?.partitions).toEqual([0, 1, 2, 3])
    await a.member.leave()
  })

  it('commits with its generation, and is refused with another one', async () => {
    const groupId = unique('commit')
    const a = createMember(groupId, 'a')
    const { metadata } = await a.join()
    const positions = partitions.map((of, index) => ({ ...of, offset: index * 10 }))
    await admin.commitOffsets(metadata, positions)
    expect(await admin.committedOffsets(groupId, partitions)).toEqual(positions)
    const stale = { ...metadata, generationId: metadata.generationId - 1 }
    await expect(admin.commitOffsets(stale, positions)).rejects.toMatchObject({
      code: 'SLUICE_KAFKA_STALE_GENERATION',
      reaction: 'retry',
    })
    const stranger = { ...metadata, memberId: 'nobody' }
    await expect(admin.commitOffsets(stranger, positions)).rejects.toMatchObject({
      code: 'SLUICE_KAFKA_MEMBERSHIP_LOST',
      reaction: 'forget-turn',
    })
    await a.member.leave()
  })

  it('outlives its session while it has nothing to do', async () => {
    const groupId = unique('idle')
    const a = createMember(groupId, 'a', { sessionTimeoutMs: 6_000, heartbeatIntervalMs: 500 })
    const { metadata } = await a.join()
    // The broker allows no session shorter than 6 s: the time that must pass is the condition.
    const end = performance.now() + 7_000
    await until(() => performance.now() > end)
    expect(a.events).toEqual([])
    await admin.commitOffsets(metadata, [{ topic, partition: 0, offset: 1 }])
    await a.member.leave()
  })

  it('learns that it was thrown out, and joins again as a new one', async () => {
    const groupId = unique('lost')
    const a = createMember(groupId, 'a')
    const { metadata } = await a.join()
    const tools = new Admin({ clientId: 'test', bootstrapBrokers: [stack.kafka] })
    await tools.removeMembersFromConsumerGroup({ groupId, members: [{ memberId: metadata.memberId }] })
    await tools.close()
    await until(() => a.events.length > 0)
    expect(a.events).toEqual(['lost'])
    expect(a.member.metadata()).toBeUndefined()
    const again = await a.join()
    expect(again.metadata.memberId).not.toBe(metadata.memberId)
    expect(numbers(again)).toEqual([0, 1, 2, 3])
    await a.member.leave()
  })

  it('comes back under its static name without a rebalance of the others', async () => {
    const groupId = unique('static')
    const b = createMember(groupId, 'b', { groupInstanceId: 'b' })
    await b.join()
    const a = createMember(groupId, 'a', { groupInstanceId: 'a' })
    const joiningA = a.join()
    await until(() => b.events.length > 0)
    const [sharedA] = await Promise.all([joiningA, b.join()])
    // As after a kill: the dead one has told nobody.
    const restarted = createMember(groupId, 'a', { groupInstanceId: 'a' })
    const back = await restarted.join()
    expect(numbers(back)).toEqual(numbers(sharedA))
    expect(back.metadata).toMatchObject({
      groupInstanceId: 'a',
      generationId: sharedA.metadata.generationId,
    })
    expect(b.events).toEqual(['rebalance'])
    await admin.commitOffsets(back.metadata, [{ topic, partition: 0, offset: 5 }])
    await a.member.leave()
    expect(b.events).toEqual(['rebalance'])
    await Promise.all([restarted.member.leave(), b.member.leave()])
  })

  it('gives its part to the others at once when it leaves, though it has a static name', async () => {
    const groupId = unique('static-leave')
    const a = createMember(groupId, 'a', { groupInstanceId: 'a', sessionTimeoutMs: 60_000 })
    await a.join()
    const b = createMember(groupId, 'b', { groupInstanceId: 'b', sessionTimeoutMs: 60_000 })
    const joiningB = b.join()
    await until(() => a.events.length > 0)
    await Promise.all([a.join(), joiningB])
    await a.member.leave()
    await until(() => b.events.length > 0)
    expect(numbers(await b.join())).toEqual([0, 1, 2, 3])
    await b.member.leave()
  })

  it('commits while its join waits for the others, with the former generation', async () => {
    const groupId = unique('waiting')
    const a = createMember(groupId, 'a')
    const { metadata } = await a.join()
    const b = createMember(groupId, 'b')
    const joiningB = b.join()
    await until(() => a.events.length > 0)
    const c = createMember(groupId, 'c')
    const joiningC = c.join()
    expect(a.member.metadata()).toEqual(metadata)
    await admin.commitOffsets(metadata, [{ topic, partition: 0, offset: 3, metadata: 'by a' }])
    expect(await admin.committedOffsets(groupId, [{ topic, partition: 0 }])).toEqual([
      { topic, partition: 0, offset: 3, metadata: 'by a' },
    ])
    const [again] = await Promise.all([a.join(), joiningB, joiningC])
    expect(again.metadata.generationId).toBeGreaterThan(metadata.generationId)
    await Promise.all([a, b, c].map(({ member }) => member.leave()))
  })

  it('is refused by a group whose members speak another protocol, once the dead among them can be no more', async () => {
    const groupId = unique('protocol')
    const a = createMember(groupId, 'a', { groupInstanceId: 'a' })
    await a.join()
    const other = { protocolName: 'other', sessionTimeoutMs: 1_000 }
    const b = createMember(groupId, 'b', other)
    await expect(b.join()).rejects.toMatchObject({
      code: 'SLUICE_KAFKA_PROTOCOL_DIFFERS',
      details: { protocol: 'other', running: 'test' },
    })
    expect(a.events).toEqual([])
    // Under the name of the old one, too: it must not be given what was meant for the old protocol.
    const successor = createMember(groupId, 'a', { ...other, groupInstanceId: 'a', sessionTimeoutMs: 20_000 })
    const joining = successor.join()
    await a.member.leave()
    expect(numbers(await joining)).toEqual([0, 1, 2, 3])
    await Promise.all([b, successor].map(({ member }) => member.leave()))
  })

  it('is told of a loss in the middle of a join, before it joins as a new one', async () => {
    const groupId = unique('lost-joining')
    const a = createMember(groupId, 'a')
    await a.join()
    const silent = createMember(groupId, 'silent')
    const joiningSilent = silent.join()
    await until(() => a.events.length > 0)
    const [{ metadata }] = await Promise.all([a.join(), joiningSilent])
    const b = createMember(groupId, 'b')
    const joiningB = b.join()
    await until(() => a.events.length > 1)
    const refused = a.join().catch((error: unknown) => error)
    const tools = new Admin({ clientId: 'test', bootstrapBrokers: [stack.kafka] })
    await tools.removeMembersFromConsumerGroup({ groupId, members: [{ memberId: metadata.memberId }] })
    await tools.close()
    expect(await refused).toMatchObject({ code: 'SLUICE_KAFKA_MEMBERSHIP_LOST' })
    expect(a.events.at(-1)).toBe('lost')
    await Promise.all([joiningB, a.join(), silent.join()])
    await Promise.all([a, b, silent].map(({ member }) => member.leave()))
  })

  it('is fenced when another process joins under its static name', async () => {
    const groupId = unique('fenced')
    const first = createMember(groupId, 'a', { groupInstanceId: 'a' })
    await first.join()
    const second = createMember(groupId, 'a', { groupInstanceId: 'a' })
    await second.join()
    await until(() => first.events.length > 0)
    expect(first.events).toEqual(['lost'])
    await expect(first.join()).rejects.toMatchObject({
      code: 'SLUICE_KAFKA_INSTANCE_FENCED',
      reaction: 'stop',
    })
    await Promise.all([first.member.leave(), second.member.leave()])
  })

  it('ends a join under way when it leaves', async () => {
    const groupId = unique('leave')
    const a = createMember(groupId, 'a')
    await a.join()
    const b = createMember(groupId, 'b')
    // Listened to from the start: it may be refused before leave has resolved.
    const refused = b.join().catch((error: unknown) => error)
    await until(() => a.events.length > 0)
    // The join waits for a, which does not come.
    await b.member.leave()
    expect(await refused).toMatchObject({ code: 'SLUICE_KAFKA_CLOSED' })
    await a.member.leave()
  })
})
