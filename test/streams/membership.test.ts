import { describe, expect, it } from 'vitest'
import type { GroupJoin, GroupMember, GroupMetadata } from '../../src/kafka/types.ts'
import { Membership } from '../../src/streams/runtime/membership.ts'

/** A group in which the test plays the coordinator. */
class PlayedMember implements GroupMember {
  current: GroupMetadata | undefined
  #listener: (reason: 'rebalance' | 'lost') => void = () => {}
  #answer: (join: GroupJoin) => void = () => {}

  metadata(): GroupMetadata | undefined {
    return this.current
  }

  join(): Promise<GroupJoin> {
    return new Promise(resolve => {
      this.#answer = resolve
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
    this.#answer({ metadata: this.current, isLeader: false, partitions: [], userData: Buffer.alloc(0) })
    await new Promise(resolve => setImmediate(resolve))
  }

  say(reason: 'rebalance' | 'lost'): void {
    if (reason === 'lost') this.current = undefined
    this.#listener(reason)
  }
}

describe('a worker’s membership', () => {
  it('drops the outcome of a join that a newer one has superseded: its tasks were never claimed', async () => {
    const member = new PlayedMember()
    const membership = new Membership(member)
    membership.startJoin(Buffer.from('claims 1'))
    await member.complete(1)
    member.say('rebalance')
    membership.startJoin(Buffer.from('claims 2'))
    expect(membership.takeJoin()).toBeUndefined()
    await member.complete(2)
    expect(membership.takeJoin()?.metadata.generationId).toBe(2)
  })

  it('gives no generation to a commit after a loss, until the loss was taken', async () => {
    const member = new PlayedMember()
    const membership = new Membership(member)
    membership.startJoin(Buffer.alloc(0))
    await member.complete(1)
    expect((await membership.current()).generationId).toBe(1)
    member.say('lost')
    await expect(membership.current()).rejects.toMatchObject({ code: 'SLUICE_STREAMS_MEMBERSHIP_LOST' })
    expect(membership.takeLost()).toBe(true)
    expect(membership.wantsJoin).toBe(true)
  })

  it('says at once that the group wants a join, but not while one is under way', async () => {
    const member = new PlayedMember()
    const membership = new Membership(member)
    let asked = 0
    membership.onWanted(() => {
      asked++
    })
    membership.startJoin(Buffer.alloc(0))
    member.say('rebalance')
    expect(asked).toBe(0)
    await member.complete(1)
    member.say('rebalance')
    expect(asked).toBe(1)
  })
})
