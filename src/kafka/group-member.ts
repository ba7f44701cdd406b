import { describeGroupsV5, heartbeatV4, joinGroupV9, leaveGroupV5, syncGroupV5 } from '@platformatic/kafka'
import { SluiceError } from '../core/errors.ts'
import { errorIdOf, errorOfId, handlingOf, kafkaError } from './classify.ts'
import type { Cluster } from './cluster.ts'
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from './consumer-protocol.ts'
import { closedError } from './lane.ts'
import type { Lane } from './lane.ts'
import { pauseMs } from './retry.ts'
import type { Assign, GroupJoin, GroupMember, GroupMetadata } from './types.ts'

export interface GroupMemberOptions {
  readonly groupId: string
  readonly topics: readonly string[]
  readonly assign: Assign
  readonly protocolName: string
  readonly groupInstanceId: string | null
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly heartbeatIntervalMs: number
}

type JoinGroupResponse = joinGroupV9.JoinGroupResponse
type Listener = (reason: 'rebalance' | 'lost') => void

const protocolType = 'consumer'
// Beyond its session, for the group to notice that a dead member is gone.
const expiryGraceMs = 2_000

/** Membership of a classic group by raw requests; see `GroupMember` for the contract. */
export class KafkaGroupMember implements GroupMember {
  readonly #cluster: Cluster
  readonly #options: GroupMemberOptions
  // A join is answered only when all members have joined; a heartbeat behind it on the same connection would be late.
  readonly #joinLane: Lane
  readonly #heartbeatLane: Lane
  readonly #closing = new AbortController()
  readonly #signal: AbortSignal
  readonly #listeners: Listener[] = []
  #memberId = ''
  #metadata: GroupMetadata | undefined
  #heartbeats: AbortController | undefined
  #beating: Promise<void> = Promise.resolve()
  #isJoining = false

  constructor(cluster: Cluster, options: GroupMemberOptions) {
    this.#cluster = cluster
    this.#options = options
    this.#joinLane = cluster.openLane(options.rebalanceTimeoutMs + cluster.requestTimeoutMs)
    // A reply that hangs has to be given up while the session can still be saved.
    this.#heartbeatLane = cluster.openLane(Math.min(options.sessionTimeoutMs / 2, cluster.requestTimeoutMs))
    this.#signal = AbortSignal.any([cluster.signal, this.#closing.signal])
  }

  metadata(): GroupMetadata | undefined {
    return this.#metadata
  }

  onRebalance(listener: Listener): void {
    this.#listeners.push(listener)
  }

  async join(userData: () => Buffer): Promise<GroupJoin> {
    this.#signal.throwIfAborted()
    if (this.#isJoining) {
      throw new SluiceError({
        code: 'SLUICE_KAFKA_JOIN_BUSY',
        message: `join of group ${this.#options.groupId} was called while another join was under way`,
        remedy: 'await the join before the next',
      })
    }
    this.#isJoining = true
    try {
      await this.#stopHeartbeats()
      const joined = await this.#joinUntilSynced(userData)
      this.#startHeartbeats()
      return joined
    } finally {
      this.#isJoining = false
    }
  }

  get isClosed(): boolean {
    return this.#closing.signal.aborted
  }

  close(): Promise<void> {
    return this.leave()
  }

  async leave(): Promise<void> {
    if (this.#closing.signal.aborted) return
    await this.#stopHeartbeats()
    // A static member leaves, too: it may not come back, and what it had would wait for its session.
    if (this.#memberId !== '') await this.#sendLeave().catch(() => {})
    this.#metadata = undefined
    this.#closing.abort(closedError())
    await Promise.all([this.#joinLane.close(), this.#heartbeatLane.close()])
  }

  async #joinUntilSynced(userData: () => Buffer): Promise<GroupJoin> {
    const { clock, operationTimeoutMs } = this.#cluster
    const { groupId, rebalanceTimeoutMs, sessionTimeoutMs } = this.#options
    const startedAt = clock.now()
    const deadline = startedAt + operationTimeoutMs + rebalanceTimeoutMs
    for (let tries = 0; ; tries++) {
      try {
        return await this.#sync(await this.#sendJoin(userData()))
      } catch (error) {
        this.#signal.throwIfAborted()
        const id = errorIdOf(error)
        // The coordinator gave an id to a new member and wants it to join with that.
        if (id === 'MEMBER_ID_REQUIRED') continue
        if (id === 'UNKNOWN_MEMBER_ID') {
          this.#memberId = ''
          if (this.#metadata === undefined) continue
          // What the caller says it owns was true of a member: it has to think again before it joins as a new one.
          this.#lose()
        }
        // The group moved on between our join and our sync: take part in the next round.
        if (id === 'REBALANCE_IN_PROGRESS' || id === 'ILLEGAL_GENERATION') continue
        if (id === 'INCONSISTENT_GROUP_PROTOCOL') {
          // Members with the other protocol may be dead ones, whose sessions have not run out.
          if (clock.now() - startedAt >= sessionTimeoutMs + expiryGraceMs) throw await this.#differs(error)
          await clock.sleep(pauseMs('again', tries), this.#signal)
          continue
        }
        const handling = handlingOf(error)
        if (handling === 'refuse') this.#lose()
        if (handling === 'refuse' || clock.now() >= deadline)
          throw kafkaError(error, `joining group ${groupId}`, { group: groupId })
        if (handling === 'find-coordinator') this.#cluster.dropCoordinator('group', groupId)
        await clock.sleep(pauseMs(handling, tries), this.#signal)
      }
    }
  }

  async #differs(cause: unknown): Promise<SluiceError> {
    const { groupId, protocolName } = this.#options
    const running = await this.#runningProtocol().catch(() => '')
    const what = `joining group ${groupId} with protocol ${protocolName}, whose members speak ${running || 'another one'}`
    return errorOfId(
      'INCONSISTENT_GROUP_PROTOCOL',
      what,
      { group: groupId, protocol: protocolName, running },
      cause,
    )
  }

  /** Empty while the group is between two generations. */
  async #runningProtocol(): Promise<string> {
    const { groupId } = this.#options
    const response = await this.#heartbeatLane.call(
      await this.#cluster.coordinator('group', groupId),
      describeGroupsV5.api,
      [groupId],
      false,
    )
    return response.groups[0]?.protocolData ?? ''
  }

  async #sendJoin(userData: Buffer): Promise<JoinGroupResponse> {
    const { groupId, groupInstanceId, sessionTimeoutMs, rebalanceTimeoutMs, protocolName, topics } =
      this.#options
    const coordinator = await this.#cluster.coordinator('group', groupId)
    const metadata = encodeSubscription({ topics, userData })
    try {
      const response = await this.#joinLane.call(
        coordinator,
        joinGroupV9.api,
        groupId,
        sessionTimeoutMs,
        rebalanceTimeoutMs,
        this.#memberId,
        groupInstanceId,
        protocolType,
        [{ name: protocolName, metadata }],
        null,
      )
      this.#memberId = response.memberId
      // From now on the broker takes commits of this generation only; what we told it we own stays ours in it.
      const { memberId, generationId } = response
      this.#metadata = { groupId, memberId, generationId, groupInstanceId }
      return response
    } catch (error) {
      if (errorIdOf(error) === 'MEMBER_ID_REQUIRED') this.#memberId = givenMemberId(error)
      throw error
    }
  }

  async #sync(joined: JoinGroupResponse): Promise<GroupJoin> {
    const { groupId, groupInstanceId, protocolName, assign } = this.#options
    const { memberId, generationId } = joined
    const metadata = { groupId, memberId, generationId, groupInstanceId }
    const isLeader = joined.leader === memberId
    const assignments = isLeader && !joined.skipAssignment ? await assignmentsOf(joined, assign) : []
    const response = await this.#joinLane.call(
      await this.#cluster.coordinator('group', groupId),
      syncGroupV5.api,
      groupId,
      generationId,
      memberId,
      groupInstanceId,
      protocolType,
      protocolName,
      assignments,
    )
    return { metadata, isLeader, ...decodeAssignment(response.assignment) }
  }

  #startHeartbeats(): void {
    const stop = new AbortController()
    this.#heartbeats = stop
    this.#beating = this.#beat(AbortSignal.any([this.#signal, stop.signal]))
  }

  async #stopHeartbeats(): Promise<void> {
    this.#heartbeats?.abort(closedError())
    this.#heartbeats = undefined
    await this.#beating
  }

  async #beat(signal: AbortSignal): Promise<void> {
    const { clock } = this.#cluster
    const { heartbeatIntervalMs, groupId } = this.#options
    let isAsked = false
    let pause = heartbeatIntervalMs
    for (;;) {
      await clock.sleep(pause, signal).catch(() => {})
      if (signal.aborted) return
      pause = heartbeatIntervalMs
      try {
        await this.#sendHeartbeat()
      } catch (error) {
        if (signal.aborted) return
        const id = errorIdOf(error)
        const handling = handlingOf(error)
        if (id === 'REBALANCE_IN_PROGRESS') {
          // Heartbeats go on while the caller finishes its work, so that the session survives until it joins.
          if (!isAsked) this.#notify('rebalance')
          isAsked = true
        } else if (handling === 'refuse') {
          if (id === 'UNKNOWN_MEMBER_ID') this.#memberId = ''
          this.#lose()
          return
        } else {
          // Silence is no loss, however long: a coordinator that was restarted still knows its members, and until it answers
          // nothing can be committed, here or by anybody who took over.
          if (handling === 'find-coordinator') this.#cluster.dropCoordinator('group', groupId)
          pause = Math.min(heartbeatIntervalMs, 100)
        }
      }
    }
  }

  async #sendHeartbeat(): Promise<void> {
    if (this.#metadata === undefined) return
    const { groupId, generationId, memberId, groupInstanceId } = this.#metadata
    const coordinator = await this.#cluster.coordinator('group', groupId)
    await this.#heartbeatLane.call(
      coordinator,
      heartbeatV4.api,
      groupId,
      generationId,
      memberId,
      groupInstanceId,
    )
  }

  async #sendLeave(): Promise<void> {
    const { groupId, groupInstanceId } = this.#options
    await this.#cluster.callCoordinator(
      {
        type: 'group',
        key: groupId,
        what: `leaving group ${groupId}`,
        timeoutMs: 1000,
        signal: this.#signal,
      },
      coordinator =>
        this.#heartbeatLane.call(coordinator, leaveGroupV5.api, groupId, [
          { memberId: this.#memberId, groupInstanceId, reason: 'closed' },
        ]),
    )
  }

  #lose(): void {
    if (this.#metadata === undefined) return
    this.#metadata = undefined
    this.#notify('lost')
  }

  #notify(reason: 'rebalance' | 'lost'): void {
    for (const listener of this.#listeners) listener(reason)
  }
}

const givenMemberId = (error: unknown): string => {
  if (!(error instanceof Error && 'response' in error)) return ''
  return (error.response as Partial<JoinGroupResponse> | undefined)?.memberId ?? ''
}

const assignmentsOf = async (joined: JoinGroupResponse, assign: Assign) => {
  const members = joined.members.map(({ memberId, metadata }) => ({
    memberId,
    ...decodeSubscription(metadata),
  }))
  const assignments = await assign(members)
  return assignments.map(({ memberId, partitions, userData }) => ({
    memberId,
    assignment: encodeAssignment({ partitions, userData }),
  }))
}
