/** One piece of text in a source file, and what stands there when the work-around is gone. */
export interface Edit {
  readonly file: string
  /** Must occur exactly once in the file. */
  readonly find: string
  readonly replace: string
}

/** A work-around for a dependency or for a property of the servers, and the tests that must notice when it is taken out. */
export interface Workaround {
  readonly name: string
  /** What goes wrong without it. */
  readonly why: string
  readonly edits: readonly Edit[]
  readonly tests: readonly string[]
}
