/** Something that counts what is still to be done; 0 is none. */
export type Gauges = ReadonlyMap<string, number>

/**
 * Tells from looks at gauges when a system under load had recovered: under load each gauge leaves 0 all the time and is back at once,
 * so what counts is, for every gauge that was behind within `watchMs` of the fault or of the last failed look, its first 0 after
 * that. Pure.
 */
export class RecoveryTracker {
  readonly #watchMs: number
  readonly #behind = new Set<string>()
  readonly #recovered = new Map<string, number>()
  #blindMs = 0
  #lastLookMs = 0

  constructor(watchMs: number) {
    this.#watchMs = watchMs
  }

  /** `atMs` since the fault; without gauges when nothing could be seen. */
  look(atMs: number, gauges: Gauges | undefined): void {
    this.#lastLookMs = atMs
    if (gauges === undefined) {
      this.#blindMs = atMs
      this.#recovered.clear()
      return
    }
    for (const [name, value] of gauges) {
      if (value > 0 && atMs <= this.#blindMs + this.#watchMs) this.#behind.add(name)
      if (value === 0 && this.#behind.has(name) && !this.#recovered.has(name)) this.#recovered.set(name, atMs)
    }
  }

  /** Gauges that have not come back yet. */
  get missing(): readonly string[] {
    return [...this.#behind].filter(name => !this.#recovered.has(name))
  }

  /** Milliseconds from the fault to the last gauge's return; undefined while one is behind or may still be found so. */
  get recoveredMs(): number | undefined {
    if (this.#lastLookMs < this.#blindMs + this.#watchMs || this.missing.length > 0) return undefined
    return Math.max(this.#blindMs, ...this.#recovered.values())
  }
}
