import type { OperatorFunction } from 'rxjs'
import type { Failures } from './failures.ts'
import type { Format } from './format.ts'
import type { Step } from './step.ts'
import { stepSymbol } from './step.ts'
import type { StoreDeclaration } from './store.ts'
import type { TopicDeclaration } from './topic.ts'

export type StepBinding = Step<never, unknown>[typeof stepSymbol]

/** A node of the compiled graph. `parents` are node ids; ids follow the flow downward. */
export type GraphNode = {
  readonly id: number
  readonly name: string
  readonly parents: readonly number[]
} & (
  | { readonly kind: 'source'; readonly topics: readonly string[] }
  | { readonly kind: 'operator'; readonly operator: OperatorFunction<never, unknown> }
  | { readonly kind: 'merge' }
  | { readonly kind: 'processor'; readonly step: StepBinding; readonly stores: readonly string[] }
  | { readonly kind: 'sink'; readonly step: StepBinding; readonly topic: string }
  | {
      readonly kind: 'effect'
      readonly step: StepBinding
      readonly effect: string
      readonly idempotent: string | undefined
    }
)

/** What the engine knows of a topic that the topology touches. */
export interface GraphTopic {
  /** As in `describe`: without the application id for internal topics. */
  readonly name: string
  readonly kind: 'external' | 'repartition'
  readonly key: Format<unknown>
  readonly value: Format<unknown>
  readonly partitions: number | undefined
  readonly config: Readonly<Record<string, string>>
  readonly eventId: ((value: never) => string) | undefined
  readonly nullValues: TopicDeclaration<unknown, unknown>['nullValues']
}

/** Nodes that must run together; one task for each of its input partitions. */
export interface SubTopology {
  readonly id: number
  readonly nodes: readonly GraphNode[]
  readonly sourceTopics: readonly string[]
  readonly stores: readonly string[]
}

/** A topology: frozen data, made once, read by the engine, `describe`, the CLI and the test driver. */
export interface Topology {
  /** The application id: consumer group and prefix of internal topics. */
  readonly name: string
  readonly subTopologies: readonly SubTopology[]
  readonly topics: ReadonlyMap<string, GraphTopic>
  readonly stores: ReadonlyMap<string, StoreDeclaration<unknown, unknown>>
  /** What becomes of records that fail. */
  readonly failures: Failures
  /** What `sluice topology lint` is to leave alone. */
  readonly allow: readonly LintAllowance[]
  /** Present where this is another topology, run again beside it. */
  readonly shadow?: Shadow
}

/** How a topology that runs beside a live one differs from it. */
export interface Shadow {
  /** The live topology's name. Formats are bound to its subjects, so that equal values are equal bytes. */
  readonly of: string
  /** External topics, by their names in the graph, in whose place it has topics of its own: `<name>-<topic>`. */
  readonly topics: ReadonlySet<string>
}

/** One finding of `sluice topology lint` that is as it should be. */
export interface LintAllowance {
  /** The rule's id. */
  readonly rule: string
  /** The name that the finding is about: of a node, a store or a topic. */
  readonly of: string
  readonly because: string
}

/** The topic's name on the broker. */
export const brokerTopicName = (
  { name, topics, shadow }: Pick<Topology, 'name' | 'topics' | 'shadow'>,
  topicName: string,
): string =>
  topics.get(topicName)?.kind === 'repartition' || shadow?.topics.has(topicName) === true
    ? `${name}-${topicName}`
    : topicName

/** The changelog's name on the broker. */
export const changelogTopicName = ({ name }: Pick<Topology, 'name'>, storeName: string): string =>
  `${name}-${storeName}-changelog`

/** The topology as whom values are written: itself, or the live one that it shadows. */
export const writtenAs = ({ name, topics, shadow }: Topology): Pick<Topology, 'name' | 'topics'> => ({
  name: shadow?.of ?? name,
  topics,
})

export const graphTopicOf = (declaration: TopicDeclaration<unknown, unknown>): GraphTopic => ({
  name: declaration.name,
  kind: 'external',
  key: declaration.key,
  value: declaration.value,
  partitions: declaration.partitions,
  config: declaration.config,
  eventId: declaration.eventId,
  nullValues: declaration.nullValues,
})
