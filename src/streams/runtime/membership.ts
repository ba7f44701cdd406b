import { SluiceError } from '../../core/errors.ts'
import type { GroupJoin, GroupMember, GroupMetadata } from '../../kafka/types.ts'

/** What a commit meets when the worker is no member of its group, or not the one it was when it read. */
const membershipLost = (): SluiceError =>
  new SluiceError({
    code: 'SLUICE_STREAMS_MEMBERSHIP_LOST',
    message: 'the worker is no longer a member of its consumer group',
    remedy: 'nothing: the worker forgets its open turn and joins again',
    reaction: 'forget-turn',
  })

/**
 * The worker's place in its consumer group. Joining runs beside the processing, begun as soon as the group asks for it; the main loop
 * goes on working and committing, and picks the outcome up with `takeJoin`. After a loss nothing is committed and nothing joined
 * until the main loop has let go of what it owned and says so with `acceptLoss`.
 */
export class Membership {
  readonly #member: GroupMember
  #wanted = true
  #lost = false
  #userData: (() => Buffer) | undefined
  #joining: Promise<void> | undefined
  #joined: GroupJoin | undefined
  #failure: { readonly error: unknown } | undefined

  constructor(member: GroupMember) {
    this.#member = member
    member.onRebalance(reason => {
      this.#wanted = true
      if (reason === 'lost') this.#lost = true
      // Not left to the main loop: a join must not wait for a slow turn.
      this.joinIfWanted()
    })
  }

  /** From now on joins may begin. `userData` is asked whenever the group is told. */
  begin(userData: () => Buffer): void {
    this.#userData = userData
    this.joinIfWanted()
  }

  get isJoining(): boolean {
    return this.#joining !== undefined
  }

  /** Membership was lost: what the worker owned may belong to others now. */
  get isLost(): boolean {
    return this.#lost
  }

  /** The worker owns nothing any more and has no turn open; it may join again. */
  async acceptLoss(): Promise<void> {
    await this.#joining
    this.#joined = undefined
    this.#failure = undefined
    this.#lost = false
    this.#wanted = true
  }

  requestJoin(): void {
    this.#wanted = true
    this.joinIfWanted()
  }

  /** The generation last taken part in; -1 before the first join and after a loss. */
  get generation(): number {
    return this.#member.metadata()?.generationId ?? -1
  }

  /** Begins a join when one is due and none is under way. */
  joinIfWanted(): void {
    const userData = this.#userData
    if (userData === undefined || !this.#wanted || this.#lost || this.#joining !== undefined) return
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

  /**
   * The generation to commit with, the former one while a join waits for the others: nobody gets a task that this worker said it
   * owns. Throws SLUICE_STREAMS_MEMBERSHIP_LOST when there is none.
   */
  current(): GroupMetadata {
    const metadata = this.#member.metadata()
    if (metadata === undefined || this.#lost) throw membershipLost()
    return metadata
  }

  /** Resolves when no join is due. */
  async settled(): Promise<void> {
    this.joinIfWanted()
    await this.#joining
  }

  /** Leaves the group; `patience` bounds the wait for a first join under way, before which there is nobody to leave. */
  async leave(patience: () => Promise<void>): Promise<void> {
    if (this.#member.metadata() === undefined) await Promise.race([this.#joining, patience()])
    await this.#member.leave()
  }
}
