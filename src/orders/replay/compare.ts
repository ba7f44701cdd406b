import type { Cassandra } from '../../cassandra/client.ts'
import type { SchemaRegistry } from '../../codec/registry.ts'
import type { Clock } from '../../core/clock.ts'
import type { Kafka, KafkaAdmin } from '../../kafka/types.ts'
import { compareExactly } from '../../replay/compare.ts'
import { coverageNotes, withCoverage } from '../../replay/coverage.ts'
import { comparisonOf, type Comparison } from '../../replay/difference.ts'
import type { ReplayPlan } from '../../replay/plan.ts'
import { partitionsOf } from '../../replay/run.ts'
import { inputsOf, topicCounterparts } from '../../replay/shadow-topology.ts'
import { readStanding } from '../../replay/standing.ts'
import type { Topology } from '../../streams/dsl/index.ts'
import type { ViewRoutes } from '../view-routing.ts'
import { compareOutcomes } from './compare-flow.ts'
import { compareViews } from './compare-views.ts'
import { readFlow } from './read-flow.ts'
import type { ReplayTarget } from './targets.ts'

export interface ComparisonOptions {
  readonly target: ReplayTarget
  readonly plan: ReplayPlan
  readonly shadow: Topology
  readonly kafka: Kafka
  readonly admin: KafkaAdmin
  readonly registry: SchemaRegistry
  readonly cassandra: Cassandra
  readonly routes: ViewRoutes
  readonly clock: Clock
}

/** Compares what a replay has rebuilt with live, as its target is to be compared. Changes nothing. */
export const compareReplay = async (options: ComparisonOptions): Promise<Comparison> => {
  switch (options.target.comparison) {
    case 'exact':
      return compareExactly(options)
    case 'views':
      return compareViewsOf(options)
    case 'outcomes':
      return compareFlow(options)
  }
}

const compareViewsOf = async (options: ComparisonOptions): Promise<Comparison> => {
  const { target, plan, shadow, admin, cassandra, clock, routes } = options
  const replayed = plan.keyspace ?? ''
  const { attached } = await routes.read()
  if (attached.includes(replayed)) {
    // The live workers write both, so neither is ahead of the other.
    const coverage = { isLiveAhead: false, isLiveBehind: false, isPartial: plan.isPartial }
    const parts = await compareViews({ cassandra, clock, replayed, coverage })
    return comparisonOf(
      parts.map(part => part.result()),
      coverageNotes(coverage, plan.id),
    )
  }
  const inputs = await partitionsOf(admin, inputsOf(shadow).live)
  const { coverage, result } = await withCoverage(
    admin,
    plan,
    target.topology.name,
    inputs,
    async assumed => {
      const parts = await compareViews({ cassandra, clock, replayed, coverage: assumed })
      return parts.map(part => part.result())
    },
  )
  return comparisonOf(result, coverageNotes(coverage, plan.id))
}

const compareFlow = async (options: ComparisonOptions): Promise<Comparison> => {
  const { target, plan, shadow, admin } = options
  const live = target.topology.name
  const partitions = {
    live: await partitionsOf(admin, inputsOf(shadow).live),
    own: await partitionsOf(
      admin,
      topicCounterparts(shadow)
        .map(topic => topic.live)
        .filter(topic => target.topology.subTopologies.some(part => part.sourceTopics.includes(topic))),
    ),
  }
  const { coverage, result } = await withCoverage(admin, plan, live, partitions.live, async assumed => {
    const bounds = { starts: [], ends: await admin.committedOffsets(live, partitions.live) }
    const isFinished = async (): Promise<boolean> =>
      (await readStanding(admin, live, partitions, bounds)).behind === 0
    const wasFinished = await isFinished()
    const parts = compareOutcomes(await readFlow('live', options), await readFlow('shadow', options), {
      isLiveAhead: assumed.isLiveAhead,
      isLiveUnfinished: assumed.isLiveBehind || !wasFinished || !(await isFinished()),
      isPartial: plan.isPartial,
    })
    return parts
  })
  return comparisonOf(result, [
    ...coverageNotes(coverage, plan.id),
    'between orders the ledger may decide in another sequence than live: where stock was scarce, another order may have got it',
  ])
}
