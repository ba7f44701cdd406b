import { SluiceError } from '../../core/errors.ts'
import type { Assign } from '../../kafka/types.ts'
import { assignTasks } from './assignor.ts'
import type { PlannedTask } from './task-plan.ts'

/** A member's user data in JoinGroup. */
export interface MemberData {
  readonly transactionalId: string
  /** The generation it was last a member of; -1 for a new one. */
  readonly generation: number
  /** Tasks it runs or restores. */
  readonly owned: readonly string[]
  /** Tasks it ran until it lost its membership, whose state it still has. */
  readonly held: readonly string[]
  /** Transactional ids of all members, as of the last assignment it has seen: whoever leads next knows from it who has gone. */
  readonly living: readonly string[]
}

/** The leader's user data in an assignment. */
export interface AssignmentData {
  readonly tasks: readonly string[]
  /** Tasks that the member said it owns and has to let go; a member restarted under the same name may no longer have them. */
  readonly revoked: readonly string[]
  /** Transactional ids of all members. */
  readonly living: readonly string[]
}

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

/**
 * The assignor that the group's leader runs. Before it hands anything out, it has `fence` end the transactions of members that
 * have gone, so that nobody waits for the timeout of a transaction that was open when its owner died. The names of those that have
 * gone are known as long as one member lives that has seen them, whoever leads; when none does, a new owner finds its predecessor
 * in the committed offsets (`committerOf`).
 */
export const taskAssignor =
  (plan: readonly PlannedTask[], fence: (transactionalIds: readonly string[]) => Promise<void>): Assign =>
  async members => {
    const data = members.map(({ memberId, userData }) => ({
      memberId,
      ...(decode(userData, 'subscription') as MemberData),
    }))
    const living = data.map(({ transactionalId }) => transactionalId)
    const gone = new Set(data.flatMap(member => member.living)).difference(new Set(living))
    if (gone.size > 0) await fence([...gone])
    const assignment = assignTasks(
      plan.map(task => task.id),
      data,
    )
    const byId = new Map(plan.map(task => [task.id, task]))
    return data.map(({ memberId, owned }) => {
      const tasks = assignment.get(memberId) ?? []
      const revoked = owned.filter(task => !tasks.includes(task))
      return {
        memberId,
        partitions: tasks.flatMap(task => byId.get(task)?.inputs ?? []),
        userData: encode({ tasks, revoked, living }),
      }
    })
  }
