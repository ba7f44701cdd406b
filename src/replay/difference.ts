/** One thing that live and replay have differently. */
export interface Difference {
  /** A topic's or store's name, or a table's. */
  readonly where: string
  readonly key: string
  readonly message: string
}

/** What a comparison of one topic, store or table has found. */
export interface ComparedPart {
  readonly where: string
  /** Compared and equal. */
  readonly equal: number
  /** The first of them; `differenceCount` counts all. */
  readonly differences: readonly Difference[]
  readonly differenceCount: number
  /** Not comparable: live has gone on since, or is still behind, or something was left out of a partial replay. */
  readonly undecided: number
}

/** A whole comparison. */
export interface Comparison {
  readonly isEqual: boolean
  readonly parts: readonly ComparedPart[]
  /** What a reader must know to judge it. */
  readonly notes: readonly string[]
}

const mostKept = 20

/** Collects what a comparison of one part finds. */
export class PartFindings {
  readonly #where: string
  readonly #differences: Difference[] = []
  #count = 0
  equal = 0
  undecided = 0

  constructor(where: string) {
    this.#where = where
  }

  differs(key: string, message: string): void {
    this.#count++
    if (this.#differences.length < mostKept) this.#differences.push({ where: this.#where, key, message })
  }

  result(): ComparedPart {
    return {
      where: this.#where,
      equal: this.equal,
      differences: this.#differences,
      differenceCount: this.#count,
      undecided: this.undecided,
    }
  }
}

/** A comparison of its parts: equal when nothing differs; nothing compared shows nothing. */
export const comparisonOf = (parts: readonly ComparedPart[], notes: readonly string[]): Comparison => ({
  isEqual:
    parts.every(({ differenceCount }) => differenceCount === 0) && parts.some(({ equal }) => equal > 0),
  parts,
  notes,
})
