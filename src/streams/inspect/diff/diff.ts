import type { TopologyDocument } from '../document.ts'
import { demand, note, type Finding } from './finding.ts'
import { diffNodes, diffGraphs } from './nodes.ts'
import { diffStores } from './stores.ts'
import { diffTopics } from './topics.ts'

/** What happens when one version of a topology takes another's place. */
export interface TopologyDiff {
  /** Null: there was none. */
  readonly from: string | null
  /** Null: there is none any more. */
  readonly to: string | null
  /** Whether the new version can simply be started. */
  readonly compatible: boolean
  readonly findings: readonly Finding[]
}

const empty = (name: string): TopologyDocument => ({
  name,
  topics: [],
  stores: [],
  deadLetters: null,
  subTopologies: [],
  allow: [],
})

const renamed = (before: TopologyDocument, after: TopologyDocument): Finding => {
  const what = `is now ${after.name}: consumer group, changelogs and repartition topics have other names, so nothing carries over`
  const advice = `keep the name ${before.name}; or wait until \`sluice lag ${before.name}\` shows 0, start ${after.name}, and rebuild its state by replay`
  return demand('incompatible', 'topology', before.name, what, advice)
}

/** One version against another; names decide, since state belongs to names. */
export const diffTopology = (before: TopologyDocument, after: TopologyDocument): TopologyDiff => {
  const isRenamed = before.name !== after.name
  const findings = [
    ...(isRenamed ? [renamed(before, after)] : diffGraphs(before, after)),
    ...diffParts(before, after),
  ]
  return {
    from: before.name,
    to: after.name,
    compatible: !findings.some(({ needsAction }) => needsAction),
    findings,
  }
}

const diffParts = (before: TopologyDocument, after: TopologyDocument): Finding[] => [
  ...diffStores(before, after),
  ...diffTopics(before, after),
  ...diffNodes(before, after),
]

const removed = (before: TopologyDocument): TopologyDiff => {
  const findings = diffParts(before, empty(before.name))
  const what = 'is no longer there; its consumer group keeps its offsets'
  const advice = `delete the consumer group ${before.name} when the topology will not come back`
  return {
    from: before.name,
    to: null,
    compatible: false,
    findings: [demand('orphaned', 'topology', before.name, what, advice), ...findings],
  }
}

const added = (after: TopologyDocument): TopologyDiff => ({
  from: null,
  to: after.name,
  compatible: true,
  findings: [
    note('new', 'topology', after.name, 'reads its topics from their beginning'),
    ...diffParts(empty(after.name), after),
  ],
})

/**
 * Two sets of topologies, paired by name; where each holds a single one, these two are compared whatever they are called.
 *
 * @example diffTopologies(read('v1.json').topologies, [documentOf(orders)]).every(({ compatible }) => compatible)
 */
export const diffTopologies = (
  before: readonly TopologyDocument[],
  after: readonly TopologyDocument[],
): TopologyDiff[] => {
  const [old, next] = [before[0], after[0]]
  if (before.length === 1 && after.length === 1 && old !== undefined && next !== undefined)
    return [diffTopology(old, next)]
  return [
    ...before.map(old => {
      const next = after.find(({ name }) => name === old.name)
      return next === undefined ? removed(old) : diffTopology(old, next)
    }),
    ...after.filter(({ name }) => !before.some(old => old.name === name)).map(added),
  ]
}
