import { writeFileSync } from 'node:fs'
import type { InjectedFault } from '../../../src/testing/index.ts'
import type { LoadRecord } from './load.ts'
import type { Settling } from './rest.ts'
import type { Death } from './supervisor.ts'
import type { ChaosSystem } from './system.ts'
import type { Verdict } from './verdict.ts'

/** How often something happened somewhere. */
export interface Count {
  readonly kind: string
  readonly place: string
  readonly count: number
}

/** What one run did and found; the JSON file holds exactly this. */
export interface ChaosReport {
  readonly seed: number
  readonly ok: boolean
  readonly durationMs: number
  /** How often each kind of fault struck each place. */
  readonly injected: readonly Count[]
  /** Processes that gave up by themselves, and were started again: no violation, but worth a look. */
  readonly endedByThemselves: readonly Count[]
  /** From a fault until an order placed then has its end, milliseconds. */
  readonly recovery: readonly {
    readonly kind: string
    readonly count: number
    readonly medianMs: number
    readonly p95Ms: number
    readonly longestMs: number
  }[]
  readonly load: Pick<LoadRecord, 'answered' | 'repeats' | 'replayed' | 'refused'> & {
    readonly accepted: number
    /** Without a key, and without an answer. */
    readonly uncertain: number
  }
  readonly verdicts: number
  /** Comparisons of the last verdict, which goes over everything. */
  readonly compared: Readonly<Record<string, number>>
  readonly longestSettlingMs: number
  /** How long each kind of work was still under way in that longest wait. */
  readonly longestSettling: Settling
  readonly violations: readonly string[]
}

/** Collects what a run does. */
export interface ReportBook {
  inject(kind: string, place: string): void
  recover(kind: string, ms: number): void
  judge(verdict: Verdict): void
  /** A violation that no verdict found: a place that was never reached. */
  fail(violation: string): void
  readonly violations: readonly string[]
  /** @param system What its proxies did is counted from their own lists; who ended by itself, from its deaths. */
  report(load: LoadRecord, durationMs: number, system: Pick<ChaosSystem, 'faults' | 'deaths'>): ChaosReport
}

const atShare = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0

const createCounts = (): { add(kind: string, place: string): void; list(): Count[] } => {
  const counts = new Map<string, Count>()
  return {
    add: (kind, place) => {
      const key = `${kind} ${place}`
      counts.set(key, { kind, place, count: (counts.get(key)?.count ?? 0) + 1 })
    },
    list: () => [...counts].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, count]) => count),
  }
}

const struckBy = (faults: readonly InjectedFault[]): Count[] => {
  const counts = createCounts()
  for (const { protocol, rule, fault } of faults) counts.add(`${protocol} ${rule}`, fault)
  return counts.list().map(({ kind, place, count }) => ({ kind: place, place: kind, count }))
}

const endedByThemselves = (deaths: readonly Death[]): Count[] => {
  const counts = createCounts()
  for (const { name, isWanted, exitCode, signal } of deaths)
    if (!isWanted) counts.add(signal ?? `exit code ${exitCode}`, name)
  return counts.list()
}

/** An empty book for a run of this seed. */
export const createReportBook = (seed: number): ReportBook => {
  const injected = createCounts()
  const recoveries = new Map<string, number[]>()
  const verdicts: Verdict[] = []
  const violations: string[] = []
  return {
    violations,
    inject: (kind, place) => injected.add(kind, place),
    recover: (kind, ms) => void recoveries.set(kind, [...(recoveries.get(kind) ?? []), ms]),
    judge: verdict => {
      verdicts.push(verdict)
      violations.push(...verdict.violations)
    },
    fail: violation => void violations.push(violation),
    report: (load, durationMs, system) => {
      const longest = verdicts.toSorted((one, other) => other.settlingMs - one.settlingMs)[0]
      return {
        seed,
        ok: violations.length === 0,
        durationMs,
        injected: [...injected.list(), ...struckBy(system.faults())],
        endedByThemselves: endedByThemselves(system.deaths()),
        recovery: [...recoveries].map(([kind, times]) => {
          const sorted = times.toSorted((one, other) => one - other)
          return {
            kind,
            count: sorted.length,
            medianMs: atShare(sorted, 0.5),
            p95Ms: atShare(sorted, 0.95),
            longestMs: sorted.at(-1) ?? 0,
          }
        }),
        load: {
          answered: load.answered,
          accepted: load.accepted.size,
          uncertain: load.uncertain.size,
          refused: load.refused,
          repeats: load.repeats,
          replayed: load.replayed,
        },
        verdicts: verdicts.length,
        compared: verdicts.at(-1)?.compared ?? {},
        longestSettlingMs: longest?.settlingMs ?? 0,
        longestSettling: longest?.settling ?? {},
        violations: [...new Set(violations)],
      }
    },
  }
}

const table = (rows: readonly (readonly string[])[]): string[] => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map(row => row[column]?.length ?? 0)))
  return rows.map(row =>
    `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd(),
  )
}

/** Nothing at all where there are no rows. */
const section = (
  title: string,
  head: readonly (readonly string[])[],
  rows: readonly (readonly string[])[],
): string[] => (rows.length === 0 ? [] : [title, ...table([...head, ...rows]), ''])

const timesOf = (counts: readonly Count[]): number => counts.reduce((sum, { count }) => sum + count, 0)

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`

const settlingOf = ({ longestSettling }: ChaosReport): string => {
  const [slowest] = Object.entries(longestSettling).toSorted(([, one], [, other]) => other - one)
  return slowest === undefined ? '' : `, of that ${slowest[0]} ${seconds(slowest[1])}`
}

/** The report for people. */
export const renderReport = (report: ChaosReport): string => {
  const { injected, endedByThemselves, recovery, load, compared, violations } = report
  const all = timesOf(injected)
  const refused = Object.entries(load.refused).map(([code, count]) => `${count} ${code}`)
  return [
    `${all} faults, ${violations.length} violations, in ${seconds(report.durationMs)}; seed ${report.seed}`,
    '',
    'injected',
    ...table([
      ['fault', 'where', 'times'],
      ...injected.map(({ kind, place, count }) => [kind, place, `${count}`]),
    ]),
    '',
    ...section(
      'processes that gave up by themselves, and were started again',
      [],
      endedByThemselves.map(({ kind, place, count }) => [place, kind, `${count}`]),
    ),
    ...section(
      'recovery: from the fault until an order placed then has its end',
      [['fault', 'times', 'median', 'p95', 'longest']],
      recovery.map(({ kind, count, medianMs, p95Ms, longestMs }) => [
        kind,
        `${count}`,
        ...[medianMs, p95Ms, longestMs].map(seconds),
      ]),
    ),
    'load',
    `  ${load.answered} requests answered: ${load.accepted} accepted, ${refused.join(', ')}`,
    `  ${load.uncertain} without a key had no answer that says what became of them`,
    `  ${load.repeats} repeated tries; ${load.replayed} answered by what an earlier try had made`,
    '',
    `compared, in ${report.verdicts} verdicts (the longest wait for rest ${seconds(report.longestSettlingMs)}${settlingOf(report)}); the last one`,
    ...table(Object.entries(compared).map(([what, count]) => [what, `${count}`])),
    '',
    ...(violations.length === 0 ? ['no violation'] : ['VIOLATIONS', ...violations.map(one => `  ${one}`)]),
  ].join('\n')
}

/** Writes a report as JSON. */
export const writeReport = (path: string, report: ChaosReport): void =>
  writeFileSync(path, `${JSON.stringify(report, null, 2)}\n`)
