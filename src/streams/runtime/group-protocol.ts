import { SluiceError } from '../../core/errors.ts'
import type { Assign } from '../../kafka/types.ts'
import { assignTasks } from './assignor.ts'
import type { PlannedTask } from './task-plan.ts'

/** Transactional id of each task's owner, as the assignment of a generation left it. */
interface Owners {
  readonly round: number
  readonly transactionalIds: Readonly<Record<string, string>>
}

/** A member's user data in JoinGroup. */
export interface MemberData {
  readonly transactionalId: string
  readonly owned: readonly string[]
  /** All members know all owners, so that whoever leads next knows who has left. */
  readonly owners: Owners
}

/** The leader's user data in an assignment. */
export interface AssignmentData {
  readonly tasks: readonly string[]
  readonly owners: Owners
  /** Tasks of this member whose former owner is gone, with the transactional id to fence before their offsets are fetched. */
  readonly fence: Readonly<Record<string, string>>
  /** Another member has this member's transactional id: one of the two must end. */
  readonly isDuplicate: boolean
}

export const noOwners: Owners = { round: 0, transactionalIds: {} }

const encode = (data: MemberData | AssignmentData): Buffer => Buffer.from(JSON.stringify(data), 'utf8')

export const encodeMemberData = (data: MemberData): Buffer => encode(data)

const decode = (bytes: Buffer, what: string): unknown => {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch (cause) {
    throw new SluiceError({
      code: 'SLUICE_STREAMS_PROTOCOL_MISMATCH',
      message: `the consumer group has a member whose ${what} is not a Sluice worker's`,
      remedy: 'give the topology a name (application id) that no other consumer group uses',
      cause,
    })
  }
}

export const decodeAssignmentData = (bytes: Buffer): AssignmentData =>
  decode(bytes, 'assignment') as AssignmentData

/** Of members with one transactional id, the one that has most tasks: it was there first. */
const oneOfEach = <M extends MemberData>(members: readonly M[]): M[] => {
  const byId = new Map<string, M>()
  for (const member of members) {
    const other = byId.get(member.transactionalId)
    if (other === undefined || member.owned.length > other.owned.length)
      byId.set(member.transactionalId, member)
  }
  return [...byId.values()]
}

/**
 * The assignor that the group's leader runs. Besides tasks it hands on who owned what, so that a new owner can fence one that has
 * left in the middle of a transaction, instead of waiting for that transaction's timeout.
 */
export const taskAssignor =
  (plan: () => readonly PlannedTask[]): Assign =>
  members => {
    const tasks = plan()
    const all = members.map(({ memberId, userData }) => ({
      memberId,
      ...(decode(userData, 'subscription') as MemberData),
    }))
    const data = oneOfEach(all)
    const known = data.map(member => member.owners).reduce((a, b) => (b.round > a.round ? b : a), noOwners)
    const assignment = assignTasks(
      tasks.map(task => task.id),
      data,
    )
    const living = new Set(data.map(member => member.transactionalId))
    const transactionalIds = { ...known.transactionalIds }
    for (const { memberId, transactionalId } of data) {
      for (const task of assignment.get(memberId) ?? []) transactionalIds[task] = transactionalId
    }
    const owners = { round: known.round + 1, transactionalIds }
    const byId = new Map(tasks.map(task => [task.id, task]))
    return all.map(({ memberId }) => {
      const isDuplicate = !data.some(member => member.memberId === memberId)
      const mine = assignment.get(memberId) ?? []
      const gone = mine.flatMap(task => {
        const former = known.transactionalIds[task]
        return former === undefined || living.has(former) ? [] : [[task, former] as const]
      })
      return {
        memberId,
        partitions: mine.flatMap(task => byId.get(task)?.inputs ?? []),
        userData: encode({ tasks: mine, owners, fence: Object.fromEntries(gone), isDuplicate }),
      }
    })
  }
