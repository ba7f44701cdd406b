/**
 * Ids by the age of what is kept under them, in buckets of event time, so that what is old is found without looking at the rest.
 * An id may stand in a bucket that it has left since; whoever asks looks at the entry itself.
 */
export class AgeIndex {
  readonly #buckets = new Map<number, string[]>()
  #dropped = Number.NEGATIVE_INFINITY

  /** Notes that the id is in a bucket from now on. */
  add(id: string, bucket: number): void {
    const ids = this.#buckets.get(bucket)
    if (ids === undefined) this.#buckets.set(bucket, [id])
    else ids.push(id)
  }

  /** Ids of all buckets below the one given. */
  below(bucket: number): string[] {
    return this.#old(bucket).flatMap(old => this.#buckets.get(old) ?? [])
  }

  /** Forgets all buckets below the one given. */
  dropBelow(bucket: number): void {
    for (const old of this.#old(bucket)) this.#buckets.delete(old)
    this.#dropped = Math.max(this.#dropped, bucket)
  }

  /** Whether an id added to the bucket earlier may have been dropped since. */
  hasDropped(bucket: number): boolean {
    return bucket < this.#dropped
  }

  #old(bucket: number): number[] {
    return [...this.#buckets.keys()].filter(candidate => candidate < bucket)
  }
}
