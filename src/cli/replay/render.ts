import type { ReplayTarget } from '../../orders/replay/targets.ts'
import type { PreparedReplay } from '../../replay/begin.ts'
import type { Comparison } from '../../replay/difference.ts'
import { writtenTopics } from '../../replay/guards.ts'
import type { Pace } from '../../replay/pace.ts'
import { inputsOf } from '../../replay/shadow-topology.ts'
import type { Topology } from '../../streams/dsl/index.ts'
import { formatCount, formatDuration } from '../format.ts'
import { renderTable } from '../print.ts'
import type { DropResult, ListedReplay, SwitchResult } from './manage.ts'
import type { ReplayRunResult } from './run.ts'

/** What is about to happen, before it does. */
export const renderPlan = (
  { plan, isBegun }: PreparedReplay,
  target: ReplayTarget,
  shadow: Topology,
): string => {
  const late = plan.starts.filter(({ offset }) => offset > 0)
  return [
    `replay ${plan.id}: ${target.description}`,
    `  reads    ${inputsOf(shadow).live.join(', ')} from ${plan.from}${
      late.length === 0
        ? ''
        : ` (${late.map(({ topic, partition, offset }) => `${topic}-${partition} at ${offset}`).join(', ')})`
    }`,
    `  writes   topics ${shadow.name}-…: ${writtenTopics(shadow)
      .map(topic => topic.slice(shadow.name.length + 1))
      .join(', ')}`,
    ...(plan.keyspace === undefined ? [] : [`           keyspace ${plan.keyspace}`]),
    `  live     is only read`,
    `  it ${isBegun ? `was begun at ${plan.createdAt}, and goes on from there` : 'is new'}`,
    '',
  ].join('\n')
}

/** The line that changes while a replay runs. */
export const renderPace = (id: string, pace: Pace): string => {
  const { percent, done, total, recordsPerSecond, remainingMs, behind } = pace
  const eta =
    remainingMs === undefined ? '' : remainingMs === 0 ? '' : `, ${formatDuration(remainingMs)} to go`
  const more = behind === 0 ? '' : `, ${formatCount(behind)} of its own records to read`
  return `replay ${id}: ${percent.toFixed(1)} % (${formatCount(done)} of ${formatCount(total)}), ${formatCount(recordsPerSecond)} records/s${eta}${more}`
}

export const renderRun = ({ plan, report }: ReplayRunResult): string => {
  if (report === undefined) return 'a dry run: nothing was written'
  const { records, durationMs, deadLetters, isEnded } = report
  const rate = durationMs === 0 ? 0 : (records * 1_000) / durationMs
  return [
    `${formatCount(records)} records in ${formatDuration(durationMs)}, ${formatCount(rate)} records/s`,
    ...(deadLetters === 0 ? [] : [`${formatCount(deadLetters)} records were parked in ${plan.shadow}-dlq`]),
    isEnded
      ? `the replay ${plan.id} has read all that was committed; compare it: sluice replay compare ${plan.id}`
      : `the replay ${plan.id} was stopped before its end; the same command goes on`,
  ].join('\n')
}

export const renderReplays = (replays: readonly ListedReplay[]): string => {
  if (replays.length === 0) return 'no replays; begin one: sluice replay run ledger'
  return renderTable(
    ['id', 'target', 'from', 'begun', 'done', 'behind', 'running', 'tables'],
    replays.map(({ plan, standing, processes, isActive, isAttached }) => [
      plan.id,
      plan.target,
      plan.isPartial ? `${plan.from} (partial)` : plan.from,
      plan.createdAt,
      `${(standing.total === 0 ? 100 : (standing.done * 100) / standing.total).toFixed(1)} %`,
      standing.total - standing.done + standing.behind,
      processes,
      plan.keyspace === undefined
        ? '-'
        : `${plan.keyspace}${isActive ? ', read' : ''}${isAttached ? ', kept up to date' : ''}`,
    ]),
  )
}

export const renderComparison = ({ isEqual, parts, notes }: Comparison): string =>
  [
    renderTable(
      ['', 'equal', 'different', 'undecided'],
      parts.map(({ where, equal, differenceCount, undecided }) => [where, equal, differenceCount, undecided]),
    ),
    '',
    ...parts.flatMap(({ differences, differenceCount }) => [
      ...differences.map(({ where, key, message }) => `${where} ${key} ${message}`),
      ...(differenceCount > differences.length ? [`… and ${differenceCount - differences.length} more`] : []),
    ]),
    ...notes.map(note => `note: ${note}`),
    isEqual
      ? parts.some(({ undecided }) => undecided > 0)
        ? 'equal, as far as it can be compared'
        : 'equal'
      : parts.every(({ equal, differenceCount }) => equal + differenceCount === 0)
        ? 'nothing could be compared'
        : 'NOT EQUAL',
  ].join('\n')

export const renderSwitch = ({ active, comparison }: SwitchResult): string =>
  [
    ...(comparison === undefined ? [] : [renderComparison(comparison)]),
    `readers read ${active} within a second; what they read before is kept up to date, too`,
  ].join('\n')

export const renderDrop = ({ topics, keyspace }: DropResult): string =>
  `deleted ${topics.length} topics${keyspace === undefined ? '' : ` and the keyspace ${keyspace}`}`
