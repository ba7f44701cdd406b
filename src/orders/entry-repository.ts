/** How an entry ended: it is in Postgres for good, or it can never get there. */
export type Fate = 'accepted' | 'abandoned'

/** Where accepted entries (orders, adjustments) live, and where it is decided that one never will. */
export interface EntryRepository<Entry> {
  /** The accepted entry; undefined when there is none, or it was abandoned. */
  find(id: string): Promise<Entry | undefined>
  /**
   * Writes the entry, its outbox event and the completion of its idempotency key in one transaction. False when a row of
   * that id exists already: then `abandonUnlessAccepted` tells which.
   *
   * Rejects with an error of `Postgres`; after an outcome `unknown` calling it again is safe.
   */
  commit(entry: Entry, idempotencyKey: string | undefined): Promise<boolean>
  /**
   * Decides the fate of an entry that may or may not be on its way: puts `abandoned` in its place unless a row is there.
   * It waits for a commit in flight, and a commit that comes later finds the place taken.
   */
  abandonUnlessAccepted(id: string): Promise<Fate>
}
