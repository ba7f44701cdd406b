import type { Logger } from '../../core/log.ts'
import type { PassedOver } from '../engine/failure-log.ts'

// A topic full of bad records must not fill the disk with lines as well.
const mostLines = 10

/** Says of a committed turn which records it went on without: a line for each of the first ones, one for the rest. */
export const reportPassedOver = (
  passedOver: readonly PassedOver[],
  { groupId, log }: { readonly groupId: string; readonly log: Logger },
): void => {
  for (const { policy, ...what } of passedOver.slice(0, mostLines)) {
    const outcome = policy === 'skip' ? 'record skipped' : 'record parked as a dead letter'
    log.warn({ topology: groupId, ...what }, outcome)
  }
  if (passedOver.length > mostLines) {
    const more = passedOver.length - mostLines
    log.warn({ topology: groupId, more }, 'further records of the turn were skipped or parked')
  }
}
