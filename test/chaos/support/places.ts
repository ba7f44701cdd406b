import { crashPointNames } from '../../../src/core/crash-points.ts'
import type { CrashPointName } from '../../../src/core/crash-points.ts'
import type { ProcessName } from './system.ts'

/**
 * What has to happen besides load for a place to be passed.
 *
 * - `load`: nothing.
 * - `start`: the process begins.
 * - `dead-request`: a request has died between its reservation and its commit; its client repeats it, the reaper finds its intent.
 * - `join`: another worker joins, and is given tasks of this one.
 * - `leave`: another worker leaves, and its tasks come to this one.
 */
export type Condition = 'load' | 'start' | 'dead-request' | 'join' | 'leave'

/** Where a place lies, and how to get there. */
export interface Place {
  readonly name: CrashPointName
  /** Processes that pass it. */
  readonly processes: readonly ProcessName[]
  readonly condition: Condition
}

const workers: readonly ProcessName[] = ['worker-a', 'worker-b']

const processesOf = (name: CrashPointName): readonly ProcessName[] => {
  switch (name.split('.')[0]) {
    case 'order':
    case 'takeover':
    case 'reservation':
    case 'roll':
    case 'reaper':
      return ['serve']
    case 'relay':
      return ['relay']
    case 'transaction':
      return ['relay', ...workers]
    default:
      return workers
  }
}

const conditions: Partial<Readonly<Record<CrashPointName, Condition>>> = {
  'takeover.after-abandon': 'dead-request',
  'takeover.after-release': 'dead-request',
  'reaper.before-abandon': 'dead-request',
  'reaper.after-abandon': 'dead-request',
  'reaper.after-release': 'dead-request',
  'relay.after-claim': 'start',
  'restore.after-fence': 'leave',
  'restore.after-offsets': 'start',
  'restore.after-records': 'start',
  'rebalance.before-revoke': 'join',
  'rebalance.after-revoke': 'join',
}

/** Every named place of the order system, in the order of the flow; those of a retry of dead letters belong to a command. */
export const places: readonly Place[] = crashPointNames
  .filter(name => !name.startsWith('dead-letter.'))
  .map(name => ({ name, processes: processesOf(name), condition: conditions[name] ?? 'load' }))

/** The one of its processes that dies there when each place is visited once: each in its turn. */
export const victimOf = (place: Place): ProcessName =>
  place.processes[places.indexOf(place) % place.processes.length] ?? 'serve'
