import { describe, expect, it } from 'vitest'
import type { GroupJoin, GroupMember, GroupMetadata } from '../../src/kafka/types.ts'
import { Membership } from '../../src/streams/runtime/membership.ts'

/** A group in which the test plays the coordinator. */
class PlayedMember implements GroupMember {
  current: GroupMetadata | undefined
  joins = 0
  #listener: (reason: 'rebalance' | 'lost') => void = () => {}
  #resolve: (join: GroupJoin) => void = () => {}
  #reject: (error: Error) => void = () => {}

  metadata(): GroupMetadata | undefined {
    return this.current
  }

  join(): Promise<GroupJoin> {
    this.joins++
    return new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  onRebalance(listener: (reason: 'rebalance' | 'lost') => void): void {
    this.#listener = listener
  }

  leave(): Promise<void> {
    return Promise.resolve()
  }

  async complete(generationId: number): Promise<void> {
    this.current = { groupId: 'g', memberId: 'm', generationId, groupInstanceId: null }
    this.#resolve({ metadata: this.current, isLeader: false, partitions: [], userData: Buffer.alloc(0) })
    await new Promise(resolve => setImmediate(resolve))
  }

  async refuse(message: string): Promise<void> {
    this.#reject(new Error(message))
    await new Promise(resolve => setImmediate(resolve))
  }

  say(reason: 'rebalance' | 'lost'): void {
    if (reason === 'lost') this.current = undefined
    this.#listener(reason)
  }
}

const begun = () => {
  const member = new PlayedMember()
  const membership = new Membership(member)
  membership.begin(() => Buffer.alloc(0))
  return { member, membership }
}

const lostCode = expect.objectContaining({ code: 'SLUICE_STREAMS_MEMBERSHIP_LOST' }) as Error

describe('a worker’s membership', () => {
  it('drops the outcome of a join that a newer one has superseded: its tasks were never claimed', async () => {
    const { member, membership } = begun()
    await member.complete(1)
    member.say('rebalance')
    expect(member.joins).toBe(2)
    expect(membership.takeJoin()).toBeUndefined()
    await member.complete(2)
    expect(membership.takeJoin()?.metadata.generationId).toBe(2)
  })

  it('commits with the generation in force while a join waits for the others', async () => {
    const { member, membership } = begun()
    await member.complete(1)
    member.say('rebalance')
    expect(membership.isJoining).toBe(true)
    expect(membership.current().generationId).toBe(1)
    await member.complete(2)
    expect(membership.current().generationId).toBe(2)
  })

  it('neither gives a generation nor joins after a loss, until the loss was accepted', async () => {
    const { member, membership } = begun()
    await member.complete(1)
    member.say('lost')
    expect(() => membership.current()).toThrow(lostCode)
    membership.requestJoin()
    await membership.settled()
    expect(member.joins).toBe(1)
    await membership.acceptLoss()
    membership.joinIfWanted()
    expect(member.joins).toBe(2)
    expect(membership.takeJoin()).toBeUndefined()
    await member.complete(3)
    expect(membership.current().generationId).toBe(3)
  })

  it('forgets a join that failed because membership was lost in it', async () => {
    const { member, membership } = begun()
    await member.complete(1)
    member.say('rebalance')
    member.say('lost')
    await member.refuse('UNKNOWN_MEMBER_ID')
    await membership.acceptLoss()
    expect(membership.takeJoin()).toBeUndefined()
    membership.joinIfWanted()
    expect(member.joins).toBe(3)
  })

  it('joins again for a commit that waits for a new generation, though the join before failed', async () => {
    const { member, membership } = begun()
    await member.complete(1)
    member.say('rebalance')
    await member.refuse('no coordinator')
    const settled = membership.settled()
    expect(member.joins).toBe(3)
    await member.complete(2)
    await settled
    expect(membership.current().generationId).toBe(2)
  })
})
