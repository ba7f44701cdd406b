import type { InjectedFault } from './faults.ts'

/** One line of the report: a fault, where it struck, and how often. */
export interface FaultCount {
  readonly protocol: string
  readonly api: string
  readonly fault: string
  readonly count: number
}

/** How often each fault struck each API, in alphabetical order. */
export const countFaults = (faults: readonly InjectedFault[]): FaultCount[] => {
  const counts = new Map<string, FaultCount>()
  for (const { protocol, api, fault } of faults) {
    const key = `${protocol} ${api} ${fault}`
    counts.set(key, { protocol, api, fault, count: (counts.get(key)?.count ?? 0) + 1 })
  }
  return [...counts].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, count]) => count)
}

/**
 * The counts as a table for people.
 *
 * @example renderFaults([...kafkaProxy.faults, ...postgresProxy.faults])
 */
export const renderFaults = (faults: readonly InjectedFault[]): string => {
  const rows = countFaults(faults).map(({ protocol, api, fault, count }) => [
    protocol,
    api,
    fault,
    `${count}`,
  ])
  const table = [['server', 'request', 'fault', 'times'], ...rows, ['', '', 'all', `${faults.length}`]]
  const widths = [0, 1, 2].map(column => Math.max(...table.map(row => row[column]?.length ?? 0)))
  return table
    .map(row =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
