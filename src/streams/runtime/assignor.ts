/** What a member brings to a rebalance. */
export interface Candidate {
  readonly memberId: string
  readonly transactionalId: string
  /** Ids of the tasks it runs now. */
  readonly owned: readonly string[]
}

/** What each member gets, by member id. */
export type TaskAssignment = ReadonlyMap<string, readonly string[]>

const claims = (tasks: ReadonlySet<string>, members: readonly Candidate[]): Map<string, string> => {
  const owner = new Map<string, string>()
  for (const { memberId, owned } of members) {
    for (const task of owned) if (tasks.has(task) && !owner.has(task)) owner.set(task, memberId)
  }
  return owner
}

// All sub-topologies of a partition before the next partition: then a share of the tasks is a share of each sub-topology's load.
const byPartition = (a: string, b: string): number => {
  const [subTopologyA, partitionA] = a.split('_').map(Number)
  const [subTopologyB, partitionB] = b.split('_').map(Number)
  return (partitionA ?? 0) - (partitionB ?? 0) || (subTopologyA ?? 0) - (subTopologyB ?? 0)
}

const balancedTarget = (
  tasks: readonly string[],
  members: readonly Candidate[],
  owner: ReadonlyMap<string, string>,
): Map<string, string[]> => {
  const ownedBy = (memberId: string): string[] => tasks.filter(task => owner.get(task) === memberId)
  // Those that have most keep the odd ones: fewest tasks move.
  const byLoad = members.toSorted(
    (a, b) => ownedBy(b.memberId).length - ownedBy(a.memberId).length || (a.memberId < b.memberId ? -1 : 1),
  )
  const least = Math.floor(tasks.length / members.length)
  const odd = tasks.length % members.length
  const target = new Map(
    byLoad.map(({ memberId }, index) => [
      memberId,
      ownedBy(memberId).slice(0, least + (index < odd ? 1 : 0)),
    ]),
  )
  const placed = new Set([...target.values()].flat())
  for (const task of tasks) {
    if (placed.has(task)) continue
    const [, lightest] = [...target].reduce((a, b) => (b[1].length < a[1].length ? b : a))
    lightest.push(task)
  }
  return target
}

/**
 * Sticky, balanced and cooperative: every member keeps what it has up to its share; a task that must move is given to nobody
 * until its owner, seeing it gone, has committed and joined again. Pure.
 *
 * @example assignTasks(['0_0', '0_1'], [{ memberId: 'a', transactionalId: 'x', owned: ['0_0', '0_1'] }])
 */
export const assignTasks = (tasks: readonly string[], members: readonly Candidate[]): TaskAssignment => {
  const owner = claims(new Set(tasks), members)
  const target = balancedTarget(tasks.toSorted(byPartition), members, owner)
  return new Map(
    [...target].map(([memberId, wanted]) => [
      memberId,
      wanted.filter(task => (owner.get(task) ?? memberId) === memberId),
    ]),
  )
}
