import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assignTasks, type Candidate } from '../../src/streams/runtime/assignor.ts'

const tasksOf = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${index % 3}_${index}`)

/** Members that own disjoint parts of the tasks, as after any former assignment. */
const group = fc
  .record({
    taskCount: fc.integer({ min: 1, max: 30 }),
    memberCount: fc.integer({ min: 1, max: 6 }),
    owners: fc.array(fc.integer({ min: -1, max: 5 }), { minLength: 30, maxLength: 30 }),
  })
  .map(({ taskCount, memberCount, owners }) => {
    const tasks = tasksOf(taskCount)
    const members: Candidate[] = Array.from({ length: memberCount }, (_, member) => ({
      memberId: `member-${member}`,
      generation: 1,
      owned: tasks.filter((_, index) => owners[index] === member),
      held: [],
    }))
    return { tasks, members }
  })

const afterwards = (members: readonly Candidate[], tasks: readonly string[]): Candidate[] => {
  const assignment = assignTasks(tasks, members)
  return members.map(member => ({ ...member, owned: assignment.get(member.memberId) ?? [] }))
}

describe('the assignor', () => {
  it('never gives a task to a member while another living one has it', () => {
    fc.assert(
      fc.property(group, ({ tasks, members }) => {
        const assignment = assignTasks(tasks, members)
        const taken = [...assignment].flatMap(([memberId, mine]) =>
          members
            .filter(other => other.memberId !== memberId)
            .flatMap(other => mine.filter(task => other.owned.includes(task))),
        )
        expect(taken).toEqual([])
      }),
    )
  })

  it('has given every task to exactly one member, evenly, after the second join', () => {
    fc.assert(
      fc.property(group, ({ tasks, members }) => {
        const second = afterwards(afterwards(members, tasks), tasks)
        expect(second.flatMap(member => member.owned).toSorted()).toEqual(tasks.toSorted())
        const loads = second.map(member => member.owned.length)
        expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(1)
      }),
    )
  })

  it('moves nothing in a group that is balanced', () => {
    fc.assert(
      fc.property(group, ({ tasks, members }) => {
        const settled = afterwards(afterwards(members, tasks), tasks)
        const owned = (members: readonly Candidate[]) => members.map(member => member.owned.toSorted())
        expect(owned(afterwards(settled, tasks))).toEqual(owned(settled))
      }),
    )
  })

  it('divides each sub-topology, not only the sum, when a second member comes', () => {
    const tasks = ['0', '1', '2'].flatMap(sub => ['0', '1', '2', '3'].map(partition => `${sub}_${partition}`))
    const alone = [{ memberId: 'a', generation: 1, owned: tasks, held: [] }]
    const joined = [...alone, { memberId: 'b', generation: -1, owned: [], held: [] }]
    for (const { owned } of afterwards(afterwards(joined, tasks), tasks)) {
      expect(owned.map(task => Number(task.split('_')[0])).toSorted((one, other) => one - other)).toEqual([
        0, 0, 1, 1, 2, 2,
      ])
    }
  })

  it('takes from a member no more than its share exceeds', () => {
    fc.assert(
      fc.property(group, ({ tasks, members }) => {
        const least = Math.floor(tasks.length / members.length)
        const assignment = assignTasks(tasks, members)
        for (const { memberId, owned } of members) {
          const kept = assignment.get(memberId)?.filter(task => owned.includes(task)).length ?? 0
          expect(kept).toBeGreaterThanOrEqual(Math.min(owned.length, least))
        }
      }),
    )
  })

  it('believes the later generation of two that claim one task, and neither of two of the same', () => {
    const claim = (memberId: string, generation: number, owned: string[]) => ({
      memberId,
      generation,
      owned,
      held: [],
    })
    const tasks = ['0_0', '0_1']
    const later = assignTasks(tasks, [claim('a', 4, ['0_0']), claim('b', 5, ['0_0', '0_1'])])
    expect(later.get('a')).toEqual([])
    expect(later.get('b')).toContain('0_0')
    const same = assignTasks(tasks, [claim('a', 5, ['0_0']), claim('b', 5, ['0_0', '0_1'])])
    expect([...same.values()].flat()).toEqual(['0_1'])
  })

  it('gives a task that nobody runs to the one that still has its state', () => {
    const tasks = ['0_0', '0_1', '0_2', '0_3']
    const back = { generation: -1, owned: [] }
    const members = [
      { memberId: 'a', ...back, held: ['0_2', '0_3'] },
      { memberId: 'b', ...back, held: ['0_0', '0_1'] },
    ]
    expect(assignTasks(tasks, members)).toEqual(
      new Map([
        ['a', ['0_2', '0_3']],
        ['b', ['0_0', '0_1']],
      ]),
    )
    const owner = { memberId: 'b', generation: 5, owned: tasks, held: [] }
    expect(assignTasks(tasks, [{ memberId: 'a', ...back, held: tasks }, owner]).get('a')).toEqual([])
  })
})
