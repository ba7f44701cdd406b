import { heartbeatV4, joinGroupV9, leaveGroupV5, syncGroupV5 } from '@platformatic/kafka'
import { SluiceError } from '../core/errors.ts'
import { errorIdOf, handlingOf, kafkaError } from './classify.ts'
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
    this.#heartbeatLane = cluster.openLane(Math.min(options.sessionTimeoutMs, cluster.requestTimeoutMs))
    this.#signal = AbortSignal.any([cluster.signal, this.#closing.signal])
  }

  metadata(): GroupMetadata | undefined {
    return this.#metadata
  }

  onRebalance(listener: Listener): void {
    this.#listeners.push(listener)
  }

  async join(userData: Buffer): Promise<GroupJoin> {
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
    // A static member comes back under its name: leaving would cost a rebalance for nothing.
    if (this.#memberId !== '' && this.#options.groupInstanceId === null)
      await this.#sendLeave().catch(() => {})
    this.#metadata = undefined
    this.#closing.abort(closedError())
    await Promise.all([this.#joinLane.close(), this.#heartbeatLane.close()])
  }

  async #joinUntilSynced(userData: Buffer): Promise<GroupJoin> {
    const { clock, operationTimeoutMs } = this.#cluster
    const deadline = clock.now() + operationTimeoutMs + this.#options.rebalanceTimeoutMs
    for (let tries = 0; ; tries++) {
      try {
        return await this.#sync(await this.#sendJoin(userData))
      } catch (error) {
        this.#signal.throwIfAborted()
        const id = errorIdOf(error)
        // The coordinator gave an id to a new member and wants it to join with that.
        if (id === 'MEMBER_ID_REQUIRED') continue
        if (id === 'UNKNOWN_MEMBER_ID') {
          this.#memberId = ''
          this.#lose()
          continue
        }
        // The group moved on between our join and our sync: take part in the next round.
        if (id === 'REBALANCE_IN_PROGRESS' || id === 'ILLEGAL_GENERATION') continue
        const handling = handlingOf(error)
        if (handling === 'refuse' || clock.now() >= deadline) {
          this.#lose()
          throw kafkaError(error, `joining group ${this.#options.groupId}`, { group: this.#options.groupId })
        }
        if (handling === 'find-coordinator') this.#cluster.dropCoordinator('group', this.#options.groupId)
        await clock.sleep(pauseMs(handling, tries), this.#signal)
      }
    }
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
      return response
    } catch (error) {
      if (errorIdOf(error) === 'MEMBER_ID_REQUIRED') this.#memberId = givenMemberId(error)
      throw error
    }
  }

  async #sync(joined: JoinGroupResponse): Promise<GroupJoin> {
    const { groupId, groupInstanceId, protocolName, assign } = this.#options
    const { memberId, generationId } = joined
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
    const metadata = { groupId, memberId, generationId, groupInstanceId }
    this.#metadata = metadata
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
    const { heartbeatIntervalMs, sessionTimeoutMs, groupId } = this.#options
    let isAsked = false
    let lastAnswerMs = clock.now()
    let pause = heartbeatIntervalMs
    for (;;) {
      await clock.sleep(pause, signal).catch(() => {})
      if (signal.aborted) return
      pause = heartbeatIntervalMs
      try {
        await this.#sendHeartbeat()
        lastAnswerMs = clock.now()
      } catch (error) {
        if (signal.aborted) return
        const id = errorIdOf(error)
        const handling = handlingOf(error)
        if (id === 'REBALANCE_IN_PROGRESS') {
          lastAnswerMs = clock.now()
          // Heartbeats go on while the caller finishes its work, so that the session survives until it joins.
          if (!isAsked) this.#notify('rebalance')
          isAsked = true
        } else if (handling === 'refuse' || clock.now() - lastAnswerMs >= sessionTimeoutMs) {
          // Dropped by the group, or silent for so long that the group must have dropped us.
          if (id === 'UNKNOWN_MEMBER_ID') this.#memberId = ''
          this.#lose()
          return
        } else {
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
    const { groupId } = this.#options
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
          { memberId: this.#memberId, groupInstanceId: null, reason: 'closed' },
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
