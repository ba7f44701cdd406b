import { describe, expect, it } from 'vitest'
import type { JoiningMember, MemberAssignment } from '../../src/kafka/types.ts'
import {
  decodeAssignmentData,
  encodeMemberData,
  taskAssignor,
} from '../../src/streams/runtime/group-protocol.ts'
import { planTasks } from '../../src/streams/runtime/task-plan.ts'
import { materializer } from '../../topology/materializer.ts'

const plan = planTasks(materializer, new Map([['stock-update', 4]]))

/** The assignor, with all that it has had fenced. */
const assignor = () => {
  const fenced: string[] = []
  const assign = taskAssignor(plan, async gone => void fenced.push(...gone))
  return { assign, fenced }
}

const member = (name: string, owned: readonly string[], living: readonly string[] = []): JoiningMember => ({
  memberId: name,
  topics: ['stock-update'],
  userData: encodeMemberData({ transactionalId: `tx-${name}`, generation: 1, owned, held: [], living }),
})

const dataOf = (assignments: readonly MemberAssignment[], name: string) =>
  decodeAssignmentData(assignments.find(({ memberId }) => memberId === name)?.userData ?? Buffer.alloc(0))

describe('the group protocol', () => {
  it('ends the transactions of one that has left before its tasks are given on, whoever leads', async () => {
    const { assign, fenced } = assignor()
    const both = await assign([member('a', []), member('b', [])])
    const { living, tasks: ofA } = dataOf(both, 'a')
    const { tasks: ofB } = dataOf(both, 'b')
    expect([...ofA, ...ofB].toSorted()).toEqual(['0_0', '0_1', '0_2', '0_3'])
    expect(living).toEqual(['tx-a', 'tx-b'])

    const before: (readonly string[])[] = []
    const slow = taskAssignor(plan, async gone => {
      await Promise.resolve()
      before.push(gone)
    })
    const alone = await slow([member('b', ofB, living), member('c', [])])
    expect(before).toEqual([['tx-a']])
    expect(dataOf(alone, 'c').living).toEqual(['tx-b', 'tx-c'])
    expect(fenced).toEqual([])
  })

  it('ends them again as long as somebody has not heard of it', async () => {
    const { assign, fenced } = assignor()
    await assign([member('b', [], ['tx-b', 'tx-c']), member('c', [], ['tx-a', 'tx-b'])])
    expect(fenced).toEqual(['tx-a'])
  })

  it('fences nobody that is still there', async () => {
    const { assign, fenced } = assignor()
    const first = await assign([member('a', [])])
    const { living, tasks } = dataOf(first, 'a')
    const second = await assign([member('a', tasks, living), member('b', [])])
    expect(fenced).toEqual([])
    expect(dataOf(second, 'b').tasks).toEqual([])
  })

  it('tells a member what it has to let go, also one that may have forgotten it', async () => {
    const { assign } = assignor()
    const tasks = plan.map(({ id }) => id)
    const { tasks: kept, revoked } = dataOf(await assign([member('a', tasks), member('b', [])]), 'a')
    expect([kept.length, revoked.length]).toEqual([2, 2])
    expect([...kept, ...revoked].toSorted()).toEqual(tasks)
  })

  it('gives each member the inputs of its tasks', async () => {
    const [only] = await assignor().assign([member('a', [])])
    expect(only?.partitions).toEqual([0, 1, 2, 3].map(partition => ({ topic: 'stock-update', partition })))
  })

  it('says that a member is not one of ours', async () => {
    const { assign } = assignor()
    await expect(assign([{ memberId: 'x', topics: [], userData: Buffer.from('?') }])).rejects.toMatchObject({
      code: 'SLUICE_STREAMS_PROTOCOL_MISMATCH',
    })
  })
})
