import type { Gauges } from './recovery-tracker.ts'

/** How much there is, and how much of it is done. */
export interface Extent {
  readonly end: number
  readonly done: number
}

/**
 * Turns how far something is behind into how long: under load there is always a record that was not read yet, but not an old one.
 * A record's age counts from the look that first saw it. Pure.
 */
export class LagClock {
  readonly #seen = new Map<string, { readonly atMs: number; readonly end: number }[]>()

  /** Milliseconds by name: the age of the oldest that is not done, 0 where all is. */
  look(atMs: number, extents: ReadonlyMap<string, Extent>): Gauges {
    return new Map(
      [...extents].map(([name, { end, done }]) => {
        const seen = (this.#seen.get(name) ?? []).filter(earlier => earlier.end > done)
        if (end > (seen.at(-1)?.end ?? done)) seen.push({ atMs, end })
        this.#seen.set(name, seen)
        return [name, atMs - (seen[0]?.atMs ?? atMs)]
      }),
    )
  }
}

/** What is more than is usual, by name. */
export const excess = (gauges: Gauges, usual: Gauges): Gauges =>
  new Map([...gauges].map(([name, value]) => [name, Math.max(0, value - (usual.get(name) ?? 0))]))
