import { checkConservation } from './i1-conservation.ts'
import { checkNoOversell } from './i2-no-oversell.ts'
import { checkOneEnd } from './i3-one-end.ts'
import { checkHistory } from './i4-history.ts'
import { checkOrderPerKey } from './i5-order.ts'
import { checkOutbox } from './i6-outbox.ts'
import { checkNoGhosts } from './i7-no-ghosts.ts'
import { checkReplay } from './i8-replay.ts'
import { checkAbortedInvisible } from './i9-aborted.ts'
import type { Invariant } from './types.ts'

/** In the order of their ids. */
export const invariants: readonly Invariant[] = [
  checkConservation,
  checkNoOversell,
  checkOneEnd,
  checkHistory,
  checkOrderPerKey,
  checkOutbox,
  checkNoGhosts,
  checkReplay,
  checkAbortedInvisible,
]
