import { SluiceError } from '../../core/errors.ts'
import type { GroupJoin, GroupMember, GroupMetadata } from '../../kafka/types.ts'

/** What a commit meets when the worker is no member of its group, or not the one it was when it read. */
export const membershipLost = (): SluiceError =>
  new SluiceError({
    code: 'SLUICE_STREAMS_MEMBERSHIP_LOST',
    message: 'the worker is no longer a member of its consumer group',
    remedy: 'nothing: the worker forgets its open turn and joins again',
    reaction: 'forget-turn',
  })

/**
 * The worker's place in its consumer group. Joining runs beside the processing: the main loop asks `wantsJoin`, calls `startJoin`,
 * goes on working, and picks the outcome up with `takeJoin`; whoever must commit awaits `current`.
 */
export class Membership {
  readonly #member: GroupMember
  #wanted = true
  #lost = false
  #onWanted: (() => void) | undefined
  #joining: Promise<void> | undefined
  #joined: GroupJoin | undefined
  #failure: { readonly error: unknown } | undefined

  constructor(member: GroupMember) {
    this.#member = member
    member.onRebalance(reason => {
      this.#wanted = true
      if (reason === 'lost') this.#lost = true
      else if (this.#joining === undefined) this.#onWanted?.()
    })
  }

  /** Called when the group asks for a rebalance, so that a join need not wait for a slow turn. */
  onWanted(listener: () => void): void {
    this.#onWanted = listener
  }

  get wantsJoin(): boolean {
    return this.#wanted && this.#joining === undefined
  }

  get isJoining(): boolean {
    return this.#joining !== undefined
  }

  /** True once after membership was lost: what the worker owned may belong to others now. */
  takeLost(): boolean {
    const lost = this.#lost
    this.#lost = false
    return lost
  }

  requestJoin(): void {
    this.#wanted = true
  }

  startJoin(userData: Buffer): void {
    this.#wanted = false
    // An outcome nobody has taken is superseded: its new tasks are not claimed, its revoked ones still are.
    this.#joined = undefined
    this.#joining = this.#member
      .join(userData)
      .then(
        joined => {
          this.#joined = joined
        },
        (error: unknown) => {
          this.#failure = { error }
          this.#wanted = true
        },
      )
      .then(() => {
        this.#joining = undefined
      })
  }

  /** The outcome of the last join, once; undefined while there is none. Throws what the join failed with. */
  takeJoin(): GroupJoin | undefined {
    const failure = this.#failure
    this.#failure = undefined
    if (failure !== undefined) throw failure.error
    const joined = this.#joined
    this.#joined = undefined
    return joined
  }

  /** Waits for a join under way and throws its outcome away: it claimed tasks that were lost meanwhile. */
  async discardJoin(): Promise<void> {
    await this.#joining
    this.#joined = undefined
    this.#failure = undefined
    this.#wanted = true
  }

  /** The current generation, after a running join. Rejects with SLUICE_STREAMS_MEMBERSHIP_LOST when there is none. */
  async current(): Promise<GroupMetadata> {
    await this.#joining
    const metadata = this.#member.metadata()
    if (metadata === undefined || this.#lost) throw membershipLost()
    return metadata
  }

  /** `patience` bounds the wait for a join under way. */
  async leave(patience: Promise<void>): Promise<void> {
    await Promise.race([this.#joining, patience])
    await this.#member.leave()
  }
}
