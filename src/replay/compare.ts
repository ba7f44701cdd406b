import type { Kafka, KafkaAdmin } from '../kafka/types.ts'
import type { Topology } from '../streams/dsl/graph.ts'
import { compareStore } from './compare-stores.ts'
import { compareTopic } from './compare-topics.ts'
import { coverageNotes, withCoverage } from './coverage.ts'
import { comparisonOf, type Comparison } from './difference.ts'
import type { ReplayPlan } from './plan.ts'
import { partitionsOf } from './run.ts'
import { inputsOf, storeCounterparts, topicCounterparts } from './shadow-topology.ts'

export interface CompareOptions {
  readonly plan: ReplayPlan
  readonly shadow: Topology
  readonly kafka: Kafka
  readonly admin: KafkaAdmin
}

/**
 * Compares what a shadow has written with live, byte for byte: the records of each topic in the order of each key, and the entries of
 * each store as its changelog gives them. For parts whose result follows from their inputs' order alone.
 */
export const compareExactly = async (options: CompareOptions): Promise<Comparison> => {
  const { plan, shadow, kafka, admin } = options
  const liveGroup = shadow.shadow?.of ?? shadow.name
  const inputs = await partitionsOf(admin, inputsOf(shadow).live)
  const { coverage, result } = await withCoverage(admin, plan, liveGroup, inputs, async assumed => {
    const parts = []
    for (const counterpart of topicCounterparts(shadow))
      parts.push(await compareTopic(kafka, admin, counterpart, assumed))
    for (const counterpart of storeCounterparts(shadow))
      parts.push(await compareStore(kafka, admin, counterpart, assumed))
    return parts.map(findings => findings.result())
  })
  return comparisonOf(result, coverageNotes(coverage, plan.id))
}
