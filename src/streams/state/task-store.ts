import type { TimedStore } from '../dsl/step.ts'
import { AgeIndex } from './age-index.ts'
import { retentionBuckets, type RetentionRule } from './retention.ts'

/** What a store holds under a key: the value and the event time it was written with. `undefined` marks a deletion. */
export interface Entry {
  readonly key: unknown
  readonly value: unknown
  readonly timestamp: number
  /** The store's stream time right after this write. */
  readonly streamTime: number
}

/** The writes of one turn, not yet state: the last one of each key. */
export type Overlay = ReadonlyMap<string, Entry>

interface OpenTurn {
  readonly entries: Map<string, Entry>
  streamTime: number
  /** Whether stream time has passed a horizon in this turn, and old entries were deleted. */
  hasExpired: boolean
}

const idOf = (key: unknown): string => (typeof key === 'string' ? key : JSON.stringify(key))

/**
 * One task's part of one store, in memory. A turn writes into an overlay; overlays stack (turn n + 1 is processed while turn n
 * commits) and become state oldest first, each when its transaction has committed. Forgetting them restores the committed state
 * without reading anything again.
 *
 * Stream time is the largest event time of any write so far; a record that changes nothing does not move it. When it passes a
 * horizon, ended entries that are older than the retention are deleted by that write, as if a step had done it. So what a store
 * holds, and what its changelog says, follows from the sequence of writes alone: not from turns, restarts or a clock.
 *
 * The turn writes and reads through `get`, `put`, `delete`; the worker calls `beginTurn`, `promote` and `forget`.
 */
export class TaskStore implements TimedStore {
  readonly #committed = new Map<string, Entry>()
  readonly #ages = new AgeIndex()
  readonly #rule: RetentionRule | undefined
  readonly #buckets: ReturnType<typeof retentionBuckets>
  #turns: OpenTurn[] = []
  #timestamp = 0
  #committedStreamTime = Number.NEGATIVE_INFINITY

  constructor(rule?: RetentionRule) {
    this.#rule = rule
    this.#buckets = retentionBuckets(rule?.retentionMs ?? 0)
  }

  at(timestamp: number): void {
    this.#timestamp = timestamp
  }

  get(key: unknown): unknown {
    return this.#find(idOf(key))?.value
  }

  put(key: unknown, value: unknown): void {
    const turn = this.#turns.at(-1)
    if (turn === undefined) throw new Error('a store was written outside of a turn')
    if (this.#timestamp > turn.streamTime) this.#advance(turn)
    const { streamTime } = turn
    turn.entries.set(idOf(key), { key, value, timestamp: this.#timestamp, streamTime })
  }

  delete(key: unknown): void {
    this.put(key, undefined)
  }

  /** Opens an overlay for a turn; all its writes go there. */
  beginTurn(): Overlay {
    const turn = { entries: new Map<string, Entry>(), streamTime: this.streamTime, hasExpired: false }
    this.#turns.push(turn)
    return turn.entries
  }

  /** Drops the newest overlay alone: as if its writes had not been. */
  rollback(): void {
    this.#turns.pop()
  }

  /** Makes the newest overlay's writes part of the one below it. */
  fold(): void {
    const top = this.#turns.pop()
    const below = this.#turns.at(-1)
    if (top === undefined || below === undefined) throw new Error('a store has no overlay to fold into')
    for (const [id, entry] of top.entries) below.entries.set(id, entry)
    below.streamTime = top.streamTime
    below.hasExpired ||= top.hasExpired
  }

  /** The oldest turn's transaction has committed: its writes are state now. */
  promote(): void {
    const turn = this.#turns.shift()
    if (turn === undefined) return
    // All of these were looked at in the turn. What it wrote after that, late, is noted only now.
    if (turn.hasExpired) this.#ages.dropBelow(this.#buckets.horizonOf(turn.streamTime))
    for (const entry of turn.entries.values()) this.restore(entry)
  }

  /** The turns' transactions will never commit: as if they had not been. */
  forget(): void {
    this.#turns = []
  }

  /** Takes an entry as committed; also how a changelog is read back, in its order. */
  restore(entry: Entry): void {
    const id = idOf(entry.key)
    this.#note(id, entry)
    if (entry.value === undefined) this.#committed.delete(id)
    else this.#committed.set(id, entry)
    this.#committedStreamTime = Math.max(this.#committedStreamTime, entry.streamTime)
  }

  /** Committed entries only: what an interactive query may see. */
  committed(): IterableIterator<Entry> {
    return this.#committed.values()
  }

  get committedSize(): number {
    return this.#committed.size
  }

  /** The largest event time written so far, milliseconds since the epoch, open turns included. */
  get streamTime(): number {
    return this.#turns.at(-1)?.streamTime ?? this.#committedStreamTime
  }

  #find(id: string): Entry | undefined {
    for (let index = this.#turns.length - 1; index >= 0; index--) {
      const written = this.#turns[index]?.entries.get(id)
      if (written !== undefined) return written
    }
    return this.#committed.get(id)
  }

  #advance(turn: OpenTurn): void {
    const before = turn.streamTime
    turn.streamTime = this.#timestamp
    if (this.#rule === undefined) return
    const horizon = this.#buckets.horizonOf(this.#timestamp)
    if (this.#buckets.horizonOf(before) >= horizon) return
    turn.hasExpired = true
    const candidates = new Set(this.#ages.below(horizon))
    for (const { entries } of this.#turns) for (const id of entries.keys()) candidates.add(id)
    for (const id of candidates) {
      const entry = this.#find(id)
      if (entry !== undefined && this.#isEnded(entry) && this.#buckets.bucketOf(entry.timestamp) < horizon)
        this.put(entry.key, undefined)
    }
  }

  #isEnded({ value }: Entry): boolean {
    return value !== undefined && this.#rule?.isEnded(value) === true
  }

  #note(id: string, entry: Entry): void {
    if (!this.#isEnded(entry)) return
    const bucket = this.#buckets.bucketOf(entry.timestamp)
    const former = this.#committed.get(id)
    const isNoted =
      former !== undefined &&
      this.#isEnded(former) &&
      this.#buckets.bucketOf(former.timestamp) === bucket &&
      !this.#ages.hasDropped(bucket)
    if (!isNoted) this.#ages.add(id, bucket)
  }
}
