import { createHash } from 'node:crypto'
import type { GraphNode, Topology } from '../dsl/graph.ts'
import type { PlannedTask } from './task-plan.ts'

/** A node without its functions: what two workers can compare. */
const shapeOf = (node: GraphNode): unknown => {
  const { id, kind, name, parents } = node
  switch (node.kind) {
    case 'source':
      return { id, kind, name, parents, topics: node.topics }
    case 'processor':
      return { id, kind, name, parents, stores: node.stores }
    case 'sink':
      return { id, kind, name, parents, topic: node.topic }
    case 'effect':
      return { id, kind, name, parents, effect: node.effect }
    case 'operator':
    case 'merge':
      return { id, kind, name, parents }
  }
}

/**
 * Twelve hexadecimal digits that differ when the graph of a topology or the partition counts of its topics differ: workers may share
 * a group only when task `1_0` is the same to all of them. Functions inside the steps are not seen, nor are formats: a release with
 * other, compatible schemas runs beside the former one.
 */
export const planHash = (topology: Topology, plan: readonly PlannedTask[]): string => {
  const graph = topology.subTopologies.map(({ id, nodes, stores }) => [id, stores, nodes.map(shapeOf)])
  const tasks = plan.map(({ id, inputs, changelogs }) => [
    id,
    inputs.map(({ topic, partition }) => `${topic}:${partition}`),
    changelogs.map(({ topic }) => topic),
  ])
  return createHash('sha256')
    .update(JSON.stringify([graph, tasks]))
    .digest('hex')
    .slice(0, 12)
}
