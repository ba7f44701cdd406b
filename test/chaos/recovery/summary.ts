import { renderTable } from '../../../src/cli/print.ts'

/** How long one scenario's recoveries took, milliseconds. */
export interface ScenarioSummary {
  readonly name: string
  readonly times: readonly number[]
  readonly p50Ms: number
  readonly p95Ms: number
  readonly longestMs: number
}

export interface RecoverySummary {
  readonly machine: { readonly processors: number; readonly loadAverage: number }
  /** The load, on average: outages included. */
  readonly answersPerSecond: number
  readonly violations: readonly string[]
  readonly scenarios: readonly ScenarioSummary[]
}

/** The smallest value that so large a share does not exceed. */
const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0

export const summarize = (name: string, times: readonly number[]): ScenarioSummary => {
  const sorted = times.toSorted((one, other) => one - other)
  return {
    name,
    times,
    p50Ms: quantile(sorted, 0.5),
    p95Ms: quantile(sorted, 0.95),
    longestMs: sorted.at(-1) ?? 0,
  }
}

const seconds = (ms: number): string => (ms / 1_000).toFixed(1)

export const renderRecovery = ({
  machine,
  answersPerSecond,
  violations,
  scenarios,
}: RecoverySummary): string =>
  [
    `${machine.processors} processors, load average ${machine.loadAverage.toFixed(1)} at the end; ${answersPerSecond.toFixed(1)} requests answered a second`,
    '',
    renderTable(
      ['until nothing is left behind (s)', 'times', 'p50', 'p95', 'max'],
      scenarios.map(({ name, times, p50Ms, p95Ms, longestMs }) => [
        name,
        times.length,
        seconds(p50Ms),
        seconds(p95Ms),
        seconds(longestMs),
      ]),
    ),
    '',
    violations.length === 0 ? 'afterwards all books balanced' : `VIOLATIONS\n${violations.join('\n')}`,
  ].join('\n')
