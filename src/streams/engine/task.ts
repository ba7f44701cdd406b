import { SluiceError, messageOf } from '../../core/errors.ts'
import { derivedId } from '../../core/ids.ts'
import { partitionFor } from '../../kafka/partitioner.ts'
import type { ConsumedRecord, Header, ProducedRecord } from '../../kafka/types.ts'
import {
  brokerTopicName,
  changelogTopicName,
  type GraphTopic,
  type SubTopology,
  type Topology,
} from '../dsl/graph.ts'
import { headerText, type Message } from '../dsl/message.ts'
import type { StepContext } from '../dsl/step.ts'
import { TaskStore, type Overlay } from '../state/task-store.ts'
import type { BoundFormats, KeyValueSerde } from './bound-formats.ts'
import { changelogRecord, retentionRuleOf } from './changelog.ts'
import { preparePipeline, type Pipeline } from './pipeline.ts'

/** What one turn of one task has to write; nothing of it is visible before the commit. */
export interface TurnResult {
  readonly outputs: readonly ProducedRecord[]
  /** One record per key and turn, with the last value. */
  readonly changelog: readonly ProducedRecord[]
  readonly effects: ReadonlyMap<string, readonly Message<unknown, unknown>[]>
}

export interface TaskOptions {
  readonly topology: Topology
  readonly subTopology: SubTopology
  readonly partition: number
  readonly formats: BoundFormats
  /** By the topic's name on the broker. */
  readonly partitionCount: (brokerTopic: string) => number
}

/** How a topic of the graph appears in records. */
interface Binding extends KeyValueSerde {
  readonly brokerName: string
  readonly topic: GraphTopic
}

/** `<sub-topology>_<partition>`, as Kafka Streams names tasks. */
export const taskIdOf = (subTopologyId: number, partition: number): string => `${subTopologyId}_${partition}`

/**
 * One sub-topology on one partition: the operators, the stores and the turns that run through them. Pure but for its own state:
 * records go in, a TurnResult comes out, and `promote` or `forget` decides what becomes of the turn's writes.
 *
 * Sequence: (`beginTurn` → `push`* → `endTurn`)* with `promote` once per ended turn, oldest first, or `forget` for all of them.
 */
export class Task {
  readonly id: string
  readonly partition: number
  readonly stores = new Map<string, TaskStore>()
  readonly #options: TaskOptions
  readonly #bindings = new Map<string, Binding>()
  readonly #graphNameOf = new Map<string, string>()
  readonly #openPipeline: () => Pipeline
  #pipeline: Pipeline | undefined
  #overlays: [store: string, overlay: Overlay][] = []
  #outputs: ProducedRecord[] = []
  #effects = new Map<string, Message<unknown, unknown>[]>()
  #ordinals = new Map<string, number>()

  constructor(options: TaskOptions) {
    const { topology, subTopology, partition, formats } = options
    this.#options = options
    this.partition = partition
    this.id = taskIdOf(subTopology.id, partition)
    for (const name of subTopology.stores)
      this.stores.set(name, new TaskStore(retentionRuleOf(topology.stores.get(name))))
    for (const [name, topic] of topology.topics) {
      const brokerName = brokerTopicName(topology, name)
      this.#bindings.set(name, { brokerName, topic, ...formats.topic(name) })
      this.#graphNameOf.set(brokerName, name)
    }
    const context: StepContext = {
      store: declaration => this.stores.get(declaration.name) as TaskStore,
      deliver: (topic, message) => this.#deliver(topic, message),
      effect: (name, message) => this.#collect(name, message),
    }
    this.#openPipeline = preparePipeline(subTopology, context)
  }

  beginTurn(): void {
    this.#pipeline = this.#openPipeline()
    this.#overlays = [...this.stores].map(([name, store]) => [name, store.beginTurn()])
    this.#outputs = []
    this.#effects = new Map()
    this.#ordinals = new Map()
  }

  /** Decodes a record and pushes it through. Errors: SLUICE_STREAMS_RECORD_FAILED naming topic, partition, offset. */
  push(record: ConsumedRecord): void {
    const pipeline = this.#pipeline as Pipeline
    try {
      const message = this.#decode(record)
      pipeline.sources.get(this.#graphNameOf.get(record.topic) as string)?.next(message)
    } catch (error) {
      throw this.#failed(record, error)
    }
    if (pipeline.failure !== undefined) throw this.#failed(record, pipeline.failure.error)
  }

  /** Completes and drains the turn. */
  async endTurn(): Promise<TurnResult> {
    const pipeline = this.#pipeline as Pipeline
    try {
      await pipeline.drain()
    } catch (error) {
      if (error instanceof SluiceError) throw error
      throw new SluiceError({
        code: 'SLUICE_STREAMS_TURN_FAILED',
        message: `task ${this.id} of ${this.#options.topology.name} failed while draining: ${messageOf(error)}`,
        remedy: 'fix the step that threw, then start the worker again: nothing of the turn was committed',
        cause: error,
      })
    } finally {
      this.#pipeline = undefined
    }
    return { outputs: this.#outputs, changelog: this.#foldedChangelog(), effects: this.#effects }
  }

  promote(): void {
    for (const store of this.stores.values()) store.promote()
  }

  forget(): void {
    for (const store of this.stores.values()) store.forget()
    this.#pipeline = undefined
  }

  #decode(record: ConsumedRecord): Message<unknown, unknown> {
    const binding = this.#bindings.get(this.#graphNameOf.get(record.topic) as string) as Binding
    return {
      key: record.key === null ? null : binding.key.decode(record.key),
      value: record.value === null ? null : binding.value.decode(record.value),
      topic: record.topic,
      partition: record.partition,
      offset: record.offset,
      timestamp: record.timestamp,
      headers: record.headers,
    }
  }

  #deliver(topicName: string, message: Message<unknown, unknown>): void {
    const { brokerName, topic, key, value } = this.#bindings.get(topicName) as Binding
    const keyBytes = key.encode(message.key)
    this.#outputs.push({
      topic: brokerName,
      partition: partitionFor(keyBytes, this.#options.partitionCount(brokerName)),
      timestamp: message.timestamp,
      key: keyBytes,
      value: value.encode(message.value),
      headers: topic.kind === 'repartition' ? message.headers : this.#headersFor(topic, message),
    })
  }

  #headersFor(topic: GraphTopic, message: Message<unknown, unknown>): readonly Header[] {
    const eventType = this.#options.formats.eventType(topic.name)
    const trace = message.headers.find(header => header[0] === 'traceparent')
    return [
      ['id', Buffer.from(this.#eventId(topic, message))],
      ...(eventType === undefined ? [] : [['eventType', Buffer.from(eventType)] as const]),
      ...(trace === undefined ? [] : [trace]),
    ]
  }

  // Name-based, so that the same input gives the same ids whatever the turns were.
  #eventId(topic: GraphTopic, message: Message<unknown, unknown>): string {
    if (topic.eventId !== undefined) return topic.eventId(message.value as never)
    const place = `${message.topic}-${message.partition}-${message.offset}`
    const source = headerText(message.headers, 'id') ?? place
    const counted = `${place}>${topic.name}`
    const ordinal = this.#ordinals.get(counted) ?? 0
    this.#ordinals.set(counted, ordinal + 1)
    return derivedId(source, topic.name, ordinal)
  }

  #collect(effect: string, message: Message<unknown, unknown>): void {
    const collected = this.#effects.get(effect)
    if (collected === undefined) this.#effects.set(effect, [message])
    else collected.push(message)
  }

  #foldedChangelog(): ProducedRecord[] {
    const { topology, formats } = this.#options
    return this.#overlays.flatMap(([name, overlay]) => {
      const serde = formats.store(name)
      const place = { topic: changelogTopicName(topology, name), partition: this.partition }
      return [...overlay.values()].map(entry => changelogRecord(place, entry, serde))
    })
  }

  #failed(record: ConsumedRecord, cause: unknown): SluiceError {
    const place = { topic: record.topic, partition: record.partition, offset: record.offset }
    return new SluiceError({
      code: 'SLUICE_STREAMS_RECORD_FAILED',
      message: `${this.#options.topology.name} failed on ${place.topic}[${place.partition}] at offset ${place.offset}: ${messageOf(cause)}`,
      remedy: 'fix the step or the record, then start the worker again: nothing of the turn was committed',
      details: { ...place, task: this.id },
      cause,
    })
  }
}
