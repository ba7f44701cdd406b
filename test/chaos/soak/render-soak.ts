import { renderTable } from '../../../src/cli/print.ts'
import { renderReport } from '../support/report.ts'
import type { SoakOutcome } from './run-soak.ts'
import { trendOf, type Trend } from './trend.ts'

/** The first fifth of a run: caches fill, code is compiled. */
const warmUpShare = 0.2

/** The trend of each series, by its name. */
export const trendsOf = ({ series }: Pick<SoakOutcome, 'series'>): Readonly<Record<string, Trend>> =>
  Object.fromEntries(
    [...series]
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .map(([name, samples]) => [name, trendOf(samples, warmUpShare)]),
  )

const rounded = (value: number): string => value.toFixed(Math.abs(value) < 100 ? 1 : 0)

/** The soak for people. */
export const renderSoak = (outcome: SoakOutcome, trends: Readonly<Record<string, Trend>>): string =>
  [
    renderReport(outcome.report),
    '',
    renderTable(
      ['after the warm-up', 'per hour', 'first quarter', 'last quarter', 'largest', 'samples'],
      Object.entries(trends).map(([name, trend]) => [
        name,
        rounded(trend.perHour),
        rounded(trend.firstQuarterMedian),
        rounded(trend.lastQuarterMedian),
        rounded(trend.largest),
        trend.samples,
      ]),
    ),
    '',
    `${outcome.missedLooks} looks failed while a server did not answer`,
    outcome.ended.length === 0 ? 'no process ended' : outcome.ended.join('\n'),
  ].join('\n')
