import { documentOf } from '../streams/inspect/document.ts'
import { lint, renderLint, renderRules, type LintFinding } from '../streams/inspect/lint/lint.ts'
import { lintRules } from '../streams/inspect/lint/rules.ts'
import { printResult } from './print.ts'
import { selectTopologies } from './select-topologies.ts'

/** What the rules say of the topologies named (of all when none is), and how to print it. */
export const lintTopologies = (
  names: readonly string[],
): { readonly findings: readonly LintFinding[]; readonly render: () => string } => {
  const selected = selectTopologies(names).map(documentOf)
  const findings = lint(selected, selectTopologies([]).map(documentOf))
  return { findings, render: () => renderLint(findings, selected.length) }
}

export const printRules = (options: { readonly json?: boolean }): void =>
  printResult(
    options,
    lintRules.map(({ id, reason, remedy }) => ({ id, reason, remedy })),
    renderRules,
  )
