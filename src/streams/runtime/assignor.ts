/** What a member brings to a rebalance. */
export interface Candidate {
  readonly memberId: string
  /** The last generation in which it took part; -1 for a new member. */
  readonly generation: number
  /** Ids of the tasks it runs now. */
  readonly owned: readonly string[]
  /** Ids of tasks it does not run, but whose state it still has. */
  readonly held: readonly string[]
}

/** What each member gets, by member id. */
export type TaskAssignment = ReadonlyMap<string, readonly string[]>

// No member's id is empty: a task of nobody's is given to nobody.
const nobody = ''

/**
 * Who runs each task now. Of two that claim one, the later generation is right: the other was away when it was given on. Two of the
 * same generation cannot be; should it happen all the same, both have to let go before anybody gets it.
 */
const claims = (tasks: ReadonlySet<string>, members: readonly Candidate[]): Map<string, string> => {
  const owner = new Map<string, { readonly memberId: string; readonly generation: number }>()
  for (const { memberId, generation, owned } of members) {
    for (const task of new Set(owned)) {
      if (!tasks.has(task)) continue
      const other = owner.get(task)
      if (other === undefined || generation > other.generation) owner.set(task, { memberId, generation })
      else if (generation === other.generation) owner.set(task, { memberId: nobody, generation })
    }
  }
  return new Map([...owner].map(([task, { memberId }]) => [task, memberId]))
}

/** Where a task goes with the least to do: to its owner, else to one that still has its state. */
const preferences = (
  tasks: ReadonlySet<string>,
  members: readonly Candidate[],
  owner: ReadonlyMap<string, string>,
): Map<string, string> => {
  const preferred = new Map(owner)
  for (const { memberId, held } of members)
    for (const task of held) if (tasks.has(task) && !preferred.has(task)) preferred.set(task, memberId)
  return preferred
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
  preferred: ReadonlyMap<string, string>,
): Map<string, string[]> => {
  const wantedBy = new Map(
    members.map(({ memberId }) => [memberId, tasks.filter(task => preferred.get(task) === memberId)]),
  )
  const wanted = (memberId: string): string[] => wantedBy.get(memberId) ?? []
  // Those that have most keep the odd ones: fewest tasks move.
  const byLoad = members.toSorted(
    (a, b) => wanted(b.memberId).length - wanted(a.memberId).length || (a.memberId < b.memberId ? -1 : 1),
  )
  const least = Math.floor(tasks.length / members.length)
  const odd = tasks.length % members.length
  const target = new Map(
    byLoad.map(({ memberId }, index) => [memberId, wanted(memberId).slice(0, least + (index < odd ? 1 : 0))]),
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
 * @example assignTasks(['0_0', '0_1'], [{ memberId: 'a', generation: 4, owned: ['0_0', '0_1'], held: [] }])
 */
export const assignTasks = (tasks: readonly string[], members: readonly Candidate[]): TaskAssignment => {
  const known = new Set(tasks)
  const owner = claims(known, members)
  const target = balancedTarget(tasks.toSorted(byPartition), members, preferences(known, members, owner))
  return new Map(
    [...target].map(([memberId, wanted]) => [
      memberId,
      wanted.filter(task => (owner.get(task) ?? memberId) === memberId),
    ]),
  )
}
