import type { TopologyDiff } from './diff.ts'
import type { Fate, Finding } from './finding.ts'

const headings: readonly (readonly [Fate, string])[] = [
  ['incompatible', '! cannot go on as it is'],
  ['orphaned', '- orphaned'],
  ['gone', '- gone'],
  ['changed', '~ changed'],
  ['new', '+ new'],
  ['survives', '= survives'],
]

const lineOf = ({ subject, name, what, advice }: Finding): string[] => [
  `    ${subject} ${name}${what === '' ? '' : `: ${what}`}`,
  ...(advice === null ? [] : [`      -> ${advice}`]),
]

const compactLines = (findings: readonly Finding[]): string[] =>
  [...Map.groupBy(findings, ({ subject }) => subject)].map(([subject, of]) => {
    return `    ${of.length === 1 ? subject : `${subject}s`} ${of.map(({ name }) => name).join(', ')}`
  })

const titleOf = ({ from, to }: TopologyDiff): string => {
  if (from === null) return `${to ?? ''} (new)`
  if (to === null) return `${from} (gone)`
  return from === to ? from : `${from} -> ${to}`
}

/**
 * A difference as people read it, what needs something done first.
 *
 * @example renderDiff(diffTopology(before, after))
 */
export const renderDiff = (diff: TopologyDiff): string => {
  const parts = headings.flatMap(([fate, heading]) => {
    const findings = diff.findings.filter(finding => finding.fate === fate)
    if (findings.length === 0) return []
    // Where nothing differs, there are only names to tell.
    const hasMore = ({ what, advice }: Finding): boolean =>
      fate !== 'survives' && (what !== '' || advice !== null)
    return [
      `  ${heading}`,
      ...findings.filter(hasMore).flatMap(lineOf),
      ...compactLines(findings.filter(finding => !hasMore(finding))),
    ]
  })
  const actions = diff.findings.filter(({ needsAction }) => needsAction).length
  const verdict =
    actions === 0
      ? 'compatible: the new version can be started'
      : `${actions} ${actions === 1 ? 'finding needs' : 'findings need'} something done first`
  return [titleOf(diff), ...parts, `  ${verdict}`, ''].join('\n')
}
