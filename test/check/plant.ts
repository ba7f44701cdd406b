import type { Invariant } from '../../src/check/invariants/types.ts'
import type { Subject } from '../../src/check/types.ts'
import type { World } from './world.ts'

/** A change to a sound world that one invariant has to find. */
export interface Plant {
  readonly title: string
  readonly check: Invariant
  readonly plant: (world: World) => void
  /** What the violation must name at least. */
  readonly subject: Subject
  readonly message: RegExp
}

/** The item, which the sound world is known to have. */
export const the = <T>(item: T | undefined): T => {
  if (item === undefined) throw new Error('the sound world lacks it')
  return item
}

export const stockOf = (world: World, sku: string) => the(world.stock.get(sku)?.at(-1))

export const removeWhere = <T>(items: T[], matches: (item: T) => boolean): void => {
  items.splice(items.findIndex(matches), 1)
}
