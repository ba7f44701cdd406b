import { SluiceError } from '../../core/errors.ts'
import type { GraphNode, SubTopology, Topology } from './graph.ts'

/**
 * What becomes of a record that cannot be decoded or on which a step throws: the worker stops (`fail`), goes on without it
 * (`skip`), or goes on and parks it in the topic `<application.id>-dlq` (`dead-letter`).
 */
export type FailurePolicy = 'fail' | 'skip' | 'dead-letter'

/** Declared with a topology. */
export interface FailureOptions {
  /** Of every node that `steps` does not name. Default `fail`. */
  readonly default?: FailurePolicy
  /** By the node's name; a record that cannot be decoded is its source's (`<topic>-source`), one that cannot be encoded its sink's. */
  readonly steps?: Readonly<Record<string, FailurePolicy>>
}

/** A topology's policies, checked. */
export interface Failures {
  readonly default: FailurePolicy
  readonly steps: ReadonlyMap<string, FailurePolicy>
}

/** The policy of a node, by its name. */
export const policyOf = ({ failures }: Pick<Topology, 'failures'>, nodeName: string): FailurePolicy =>
  failures.steps.get(nodeName) ?? failures.default

/** Whether a record of this topology can end in its dead letter topic. */
export const hasDeadLetters = ({ failures }: Pick<Topology, 'failures'>): boolean =>
  failures.default === 'dead-letter' || [...failures.steps.values()].includes('dead-letter')

/** The topic that records are parked in. */
export const deadLetterTopicName = ({ name }: Pick<Topology, 'name'>): string => `${name}-dlq`

/** The compacted topic that says which dead letters were retried or dropped. */
export const deadLetterStatusTopicName = ({ name }: Pick<Topology, 'name'>): string => `${name}-dlq-status`

/**
 * The name under which a node fails: its own; plain operators and merges, which have none, belong to the node above them.
 */
export const failingNameOf = ({ nodes }: Pick<SubTopology, 'nodes'>, nodeId: number): string => {
  const byId = new Map(nodes.map(node => [node.id, node]))
  let node = byId.get(nodeId)
  while (node !== undefined && node.name === '') node = byId.get(node.parents[0] ?? -1)
  return node?.name ?? ''
}

/** Errors: SLUICE_DSL_FAILURE_NODE_UNKNOWN for a policy of a node that does not exist: it would never apply. */
export const checkedFailures = (
  topologyName: string,
  nodes: readonly GraphNode[],
  options: FailureOptions,
): Failures => {
  const names = nodes.map(({ name }) => name).filter(name => name !== '')
  const steps = new Map(Object.entries(options.steps ?? {}))
  for (const name of steps.keys()) {
    if (names.includes(name)) continue
    throw new SluiceError({
      code: 'SLUICE_DSL_FAILURE_NODE_UNKNOWN',
      message: `topology ${topologyName} says what to do when ${name} fails, and has no node of that name`,
      remedy: `name one of: ${names.join(', ')}`,
      details: { topology: topologyName, name },
    })
  }
  return Object.freeze({ default: options.default ?? 'fail', steps })
}
