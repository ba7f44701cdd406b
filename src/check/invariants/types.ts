import type { Evidence } from '../evidence.ts'
import type { InvariantResult } from '../types.ts'

export interface InvariantOptions {
  /** Orders that have not ended yet are no violation. Default false. */
  readonly allowOpen: boolean
  /** How long a reservation of an unknown order may live: the reaper's patience and some more. */
  readonly orphanGraceMs: number
}

/** One invariant: pure, so that a test can plant a violation in plain data. */
export type Invariant = (evidence: Evidence, options: InvariantOptions) => InvariantResult
