import type { TimedStore } from '../dsl/step.ts'

/** What a store holds under a key: the value and the event time it was written with. `undefined` marks a deletion. */
export interface Entry {
  readonly key: unknown
  readonly value: unknown
  readonly timestamp: number
}

/** The writes of one turn, not yet state: the last one of each key. */
export type Overlay = Map<string, Entry>

const idOf = (key: unknown): string => (typeof key === 'string' ? key : JSON.stringify(key))

/**
 * One task's part of one store, in memory. A turn writes into an overlay; overlays stack (turn n + 1 is processed while turn n
 * commits) and become state oldest first, each when its transaction has committed. Forgetting them restores the committed state
 * without reading anything again.
 *
 * The turn writes and reads through `get`, `put`, `delete`; the worker calls `beginTurn`, `promote` and `forget`.
 */
export class TaskStore implements TimedStore {
  readonly #committed = new Map<string, Entry>()
  #overlays: Overlay[] = []
  readonly #retentionMs: number | undefined
  #timestamp = 0
  #streamTime = 0

  constructor(retentionMs?: number) {
    this.#retentionMs = retentionMs
  }

  at(timestamp: number): void {
    this.#timestamp = timestamp
    if (timestamp > this.#streamTime) this.#streamTime = timestamp
  }

  get(key: unknown): unknown {
    const id = idOf(key)
    for (let index = this.#overlays.length - 1; index >= 0; index--) {
      const written = this.#overlays[index]?.get(id)
      if (written !== undefined) return this.#unexpired(written)
    }
    const entry = this.#committed.get(id)
    return entry === undefined ? undefined : this.#unexpired(entry)
  }

  put(key: unknown, value: unknown): void {
    const overlay = this.#overlays.at(-1)
    if (overlay === undefined) throw new Error('a store was written outside of a turn')
    const id = idOf(key)
    // Kept in the order of writing, so that what expires first stands first.
    overlay.delete(id)
    overlay.set(id, { key, value, timestamp: this.#timestamp })
  }

  delete(key: unknown): void {
    this.put(key, undefined)
  }

  /** Opens an overlay for a turn; all its writes go there. */
  beginTurn(): Overlay {
    const overlay: Overlay = new Map()
    this.#overlays.push(overlay)
    return overlay
  }

  /** The oldest turn's transaction has committed: its writes are state now. */
  promote(): void {
    for (const entry of this.#overlays.shift()?.values() ?? []) this.restore(entry)
    this.#expire()
  }

  /** The turns' transactions will never commit: as if they had not been. */
  forget(): void {
    this.#overlays = []
  }

  /** Takes an entry as committed; also how a changelog is read back. */
  restore(entry: Entry): void {
    const id = idOf(entry.key)
    this.#committed.delete(id)
    if (entry.value !== undefined) this.#committed.set(id, entry)
    if (entry.timestamp > this.#streamTime) this.#streamTime = entry.timestamp
  }

  /** Committed entries only: what an interactive query may see. */
  committed(): IterableIterator<Entry> {
    return this.#committed.values()
  }

  get committedSize(): number {
    return this.#committed.size
  }

  #unexpired(entry: Entry): unknown {
    const expired = this.#retentionMs !== undefined && entry.timestamp < this.#timestamp - this.#retentionMs
    return expired ? undefined : entry.value
  }

  #expire(): void {
    if (this.#retentionMs === undefined) return
    const oldestKept = this.#streamTime - this.#retentionMs
    for (const [id, entry] of this.#committed) {
      if (entry.timestamp >= oldestKept) return
      this.#committed.delete(id)
    }
  }
}
