import { describe, expect, it } from 'vitest'
import type { JoiningMember, MemberAssignment } from '../../src/kafka/types.ts'
import {
  decodeAssignmentData,
  encodeMemberData,
  noOwners,
  taskAssignor,
} from '../../src/streams/runtime/group-protocol.ts'
import { planTasks } from '../../src/streams/runtime/task-plan.ts'
import { materializer } from '../../topology/materializer.ts'

const plan = planTasks(materializer, new Map([['stock-update', 4]]))
const assign = taskAssignor(() => plan)

const member = (name: string, owned: readonly string[], owners = noOwners): JoiningMember => ({
  memberId: name,
  topics: ['stock-update'],
  userData: encodeMemberData({ transactionalId: `tx-${name}`, owned, owners }),
})

const dataOf = (assignments: readonly MemberAssignment[], name: string) =>
  decodeAssignmentData(assignments.find(({ memberId }) => memberId === name)?.userData ?? Buffer.alloc(0))

describe('the group protocol', () => {
  it('names to a new owner the transactional id of one that has left, whoever leads', async () => {
    const both = await assign([member('a', []), member('b', [])])
    const { owners, tasks: ofA } = dataOf(both, 'a')
    const { tasks: ofB } = dataOf(both, 'b')
    expect([...ofA, ...ofB].toSorted()).toEqual(['0_0', '0_1', '0_2', '0_3'])

    const alone = await assign([member('b', ofB, owners), member('c', [])])
    const taken = { ...dataOf(alone, 'b').fence, ...dataOf(alone, 'c').fence }
    expect(taken).toEqual(Object.fromEntries(ofA.map(task => [task, 'tx-a'])))
  })

  it('asks nobody to fence a member that is still there', async () => {
    const first = await assign([member('a', [])])
    const { owners, tasks } = dataOf(first, 'a')
    const second = await assign([member('a', tasks, owners), member('b', [])])
    expect(dataOf(second, 'a').fence).toEqual({})
    expect(dataOf(second, 'b').fence).toEqual({})
    expect(dataOf(second, 'b').tasks).toEqual([])
  })

  it('gives nothing to a second member of one transactional id, and tells it', async () => {
    const [task = ''] = plan.map(({ id }) => id)
    const twin = {
      ...member('b', []),
      userData: encodeMemberData({ transactionalId: 'tx-a', owned: [], owners: noOwners }),
    }
    const both = await assign([twin, member('a', [task])])
    expect(dataOf(both, 'a')).toMatchObject({ isDuplicate: false, tasks: plan.map(({ id }) => id) })
    expect(dataOf(both, 'b')).toMatchObject({ isDuplicate: true, tasks: [] })
  })

  it('gives each member the inputs of its tasks', async () => {
    const [only] = await assign([member('a', [])])
    expect(only?.partitions).toEqual([0, 1, 2, 3].map(partition => ({ topic: 'stock-update', partition })))
  })

  it('says that a member is not one of ours', () => {
    expect(() => assign([{ memberId: 'x', topics: [], userData: Buffer.from('?') }])).toThrow(
      expect.objectContaining({ code: 'SLUICE_STREAMS_PROTOCOL_MISMATCH' }) as Error,
    )
  })
})
