import { SluiceError } from '../../core/errors.ts'
import { checkedFailures, type FailureOptions } from './failures.ts'
import type { AnyFlow, Delivered, Flow } from './flow.ts'
import { graphTopicOf, type GraphNode, type GraphTopic, type LintAllowance, type Topology } from './graph.ts'
import { stepOf } from './step.ts'
import type { StoreDeclaration } from './store.ts'
import { splitSubTopologies } from './sub-topologies.ts'

type Draft<T> = T extends unknown ? Omit<T, 'id'> : never

/** Collects the nodes of one topology while its flows are walked. */
class GraphBuilder {
  readonly nodes: GraphNode[] = []
  readonly topics = new Map<string, GraphTopic>()
  readonly stores = new Map<string, StoreDeclaration<unknown, unknown>>()
  readonly #names = new Set<string>()
  readonly #ofFlow = new Map<AnyFlow, number>()
  readonly #sources = new Map<string, number>()
  readonly #topologyName: string

  constructor(topologyName: string) {
    this.#topologyName = topologyName
  }

  visit(flow: AnyFlow, sinkName: string): number {
    const known = this.#ofFlow.get(flow)
    if (known !== undefined) return known
    const id = this.#make(flow, sinkName)
    this.#ofFlow.set(flow, id)
    return id
  }

  #make(flow: AnyFlow, sinkName: string): number {
    const { origin } = flow
    if (origin.kind === 'source')
      return this.#source(origin.topics.map(topic => this.#topic(graphTopicOf(topic))))
    if (origin.kind === 'merge') {
      const parents = origin.parents.map(parent => this.visit(parent, sinkName))
      return this.#add({ kind: 'merge', name: '', parents })
    }
    const parents = [this.visit(origin.parent, sinkName)]
    const step = stepOf(origin.operator)
    if (step === undefined)
      return this.#add({ kind: 'operator', name: '', parents, operator: origin.operator })
    const { description } = step
    switch (description.kind) {
      case 'processor': {
        for (const store of description.stores) this.#store(store)
        const stores = description.stores.map(store => store.name)
        return this.#add({ kind: 'processor', name: description.name, parents, step, stores })
      }
      case 'repartition': {
        const topic = this.#topic({
          name: `${description.name}-repartition`,
          kind: 'repartition',
          key: description.key,
          value: description.value,
          partitions: undefined,
          config: { 'retention.ms': '-1' },
          eventId: undefined,
          nullValues: 'refuse',
        })
        this.#add({ kind: 'sink', name: `${topic}-sink`, parents, step, topic })
        return this.#source([topic])
      }
      case 'sink':
        return this.#add({
          kind: 'sink',
          name: sinkName,
          parents,
          step,
          topic: this.#topic(graphTopicOf(description.topic)),
        })
      case 'effect':
        return this.#add({
          kind: 'effect',
          name: sinkName,
          parents,
          step,
          effect: description.effect,
          idempotent: description.idempotent,
        })
    }
  }

  #source(topics: readonly string[]): number {
    const key = topics.toSorted().join(',')
    const known = this.#sources.get(key)
    if (known !== undefined) return known
    const id = this.#add({ kind: 'source', name: `${topics.join('-')}-source`, parents: [], topics })
    this.#sources.set(key, id)
    return id
  }

  #add(draft: Draft<GraphNode>): number {
    const id = this.nodes.length
    if (draft.name !== '') {
      if (this.#names.has(draft.name)) throw this.#twice('node', draft.name)
      this.#names.add(draft.name)
    }
    const node = { ...draft, id }
    this.nodes.push(Object.freeze(node))
    return id
  }

  #topic(topic: GraphTopic): string {
    const known = this.topics.get(topic.name)
    if (known !== undefined && (known.value !== topic.value || known.key !== topic.key)) {
      throw this.#twice('topic', topic.name)
    }
    this.topics.set(topic.name, known ?? Object.freeze(topic))
    return topic.name
  }

  #store(store: StoreDeclaration<unknown, unknown>): void {
    const known = this.stores.get(store.name)
    if (known !== undefined && known !== store) throw this.#twice('store', store.name)
    this.stores.set(store.name, store)
  }

  #twice(what: string, name: string): SluiceError {
    return new SluiceError({
      code: 'SLUICE_DSL_NAME_TAKEN',
      message: `topology ${this.#topologyName} has two different ${what}s named ${name}`,
      remedy: `give one of them another name; a ${what}'s name is its identity for life`,
      details: { topology: this.#topologyName, name },
    })
  }
}

/** What a topology says of itself besides its flows. */
export interface TopologyOptions {
  /** What becomes of records that fail. */
  readonly failures?: FailureOptions
  /** Findings of `sluice topology lint` that are as they should be, each with the reason. */
  readonly allow?: readonly LintAllowance[]
}

/**
 * Compiles flows into a topology: frozen data that can be described, tested without a broker, and run. The keys of `flows` name
 * its sinks. Errors: SLUICE_DSL_NAME_TAKEN, SLUICE_DSL_NAME_INVALID, SLUICE_DSL_FAILURE_NODE_UNKNOWN.
 *
 * @example export const copy = topology('copy', { copied: from(a).pipe(to(b)) }, { failures: { default: 'dead-letter' } })
 */
export const topology = (
  name: string,
  flows: Readonly<Record<string, Flow<Delivered>>>,
  options: TopologyOptions = {},
): Topology => {
  for (const part of [name, ...Object.keys(flows)]) {
    if (!/^[a-zA-Z0-9._-]+$/.test(part)) {
      throw new SluiceError({
        code: 'SLUICE_DSL_NAME_INVALID',
        message: `${JSON.stringify(part)} in topology ${name} can't be part of a topic's name`,
        remedy: 'use letters, digits, dots, underscores and hyphens',
      })
    }
  }
  const builder = new GraphBuilder(name)
  for (const [sinkName, flow] of Object.entries(flows)) builder.visit(flow, sinkName)
  return Object.freeze({
    name,
    subTopologies: splitSubTopologies(builder.nodes),
    topics: builder.topics,
    stores: builder.stores,
    failures: checkedFailures(name, builder.nodes, options.failures ?? {}),
    allow: options.allow ?? [],
  })
}

/** Topics that must exist before the topology starts, with the partitions and settings they are declared with. */
export const externalTopics = (compiled: Topology): readonly GraphTopic[] =>
  [...compiled.topics.values()].filter(topic => topic.kind === 'external')
