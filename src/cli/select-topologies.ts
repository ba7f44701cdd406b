import { SluiceError } from '../core/errors.ts'
import type { Topology } from '../streams/dsl/index.ts'
import { topologies } from '../../topology/index.ts'

/** The topologies of the given names, all when none is given; an unknown name rejects with `SLUICE_CLI_USAGE`. */
export const selectTopologies = (names: readonly string[]): readonly Topology[] => {
  if (names.length === 0) return Object.values(topologies)
  return names.map(name => {
    const topology = Object.hasOwn(topologies, name) ? topologies[name] : undefined
    if (topology !== undefined) return topology
    throw new SluiceError({
      code: 'SLUICE_CLI_USAGE',
      message: `there is no topology "${name}"`,
      remedy: `name one of: ${Object.keys(topologies).join(', ')}`,
    })
  })
}
