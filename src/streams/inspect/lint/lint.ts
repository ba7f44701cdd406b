import type { TopologyDocument } from '../document.ts'
import { lintRules, type LintProblem } from './rules.ts'

/** A problem that no allowance covers. */
export interface LintFinding extends LintProblem {
  readonly topology: string
  readonly rule: string
  readonly remedy: string
}

/** An allowance that no problem needs: the rule or the name is wrong, or the problem is gone. */
const staleRule = 'unused-allowance'

/**
 * Applies all rules to each topology. Problems that the topology allows (`topology(name, flows, { allow: … })`) are left out;
 * an allowance that allows nothing is a finding itself.
 *
 * @param all Every topology that shares the cluster; names are compared with theirs.
 * @example lint([documentOf(orders)], documents).length === 0
 */
export const lint = (
  topologies: readonly TopologyDocument[],
  all: readonly TopologyDocument[] = topologies,
): LintFinding[] =>
  topologies.flatMap(topology => {
    const found = lintRules.flatMap(({ id, remedy, find }) =>
      find(topology, all).map(problem => ({ ...problem, topology: topology.name, rule: id, remedy })),
    )
    const isMet = (allowed: { rule: string; of: string }, finding: LintFinding): boolean =>
      allowed.rule === finding.rule && allowed.of === finding.of
    const stale = topology.allow
      .filter(allowed => allowed.because.trim() === '' || !found.some(finding => isMet(allowed, finding)))
      .map(allowed => ({
        of: allowed.of,
        message:
          allowed.because.trim() === ''
            ? `${allowed.rule} is allowed for ${allowed.of} without a reason`
            : `${allowed.rule} is allowed for ${allowed.of}, and nothing of that kind is there`,
        topology: topology.name,
        rule: staleRule,
        remedy: 'take the allowance out, or correct it',
      }))
    return [...found.filter(finding => !topology.allow.some(allowed => isMet(allowed, finding))), ...stale]
  })

/** Findings as people read them, one after the other; a sentence where there is none. */
export const renderLint = (findings: readonly LintFinding[], topologies: number): string => {
  if (findings.length === 0)
    return `${topologies} ${topologies === 1 ? 'topology' : 'topologies'}, ${lintRules.length} rules: nothing to object to\n`
  const lines = findings.flatMap(({ topology, rule, message, remedy }) => [
    `${topology}: ${message} (${rule})`,
    `  -> ${remedy}`,
  ])
  const allow = `to silence one: topology(name, flows, { allow: [{ rule: '…', of: '…', because: '…' }] })`
  return [...lines, '', `${findings.length} found; ${allow}`, ''].join('\n')
}

/** The rules with their reasons. */
export const renderRules = (): string =>
  [...lintRules.flatMap(({ id, reason, remedy }) => [id, `  why: ${reason}`, `  fix: ${remedy}`]), ''].join(
    '\n',
  )
