import type { Clock } from '../../core/clock.ts'
import { messageOf, SluiceError } from '../../core/errors.ts'
import { brokerMaxMessageBytes } from '../../kafka/batch-size.ts'
import type { ConsumedRecord, ProducedRecord } from '../../kafka/types.ts'
import { deadLetterTopicName, failingNameOf } from '../dsl/failures.ts'
import { changelogTopicName, type SubTopology, type Topology } from '../dsl/graph.ts'
import type { Message } from '../dsl/message.ts'
import type { StepContext, TimedStore } from '../dsl/step.ts'
import { TaskStore, type Overlay } from '../state/task-store.ts'
import type { BoundFormats } from './bound-formats.ts'
import { changelogRecord, retentionRuleOf } from './changelog.ts'
import { checkedStore } from './checked-store.ts'
import { FailureLog, isPassing, type PassedOver } from './failure-log.ts'
import { preparePipeline, type Pipeline } from './pipeline.ts'
import { RecordFormats } from './record-formats.ts'
import { Collected, type Segment } from './segment.ts'

/** What one turn of one task has to write; nothing of it is visible before the commit. */
export interface TurnResult {
  /** Dead letters included. */
  readonly outputs: readonly ProducedRecord[]
  /** One record per key and turn, with the last value. */
  readonly changelog: readonly ProducedRecord[]
  readonly effects: ReadonlyMap<string, readonly Message<unknown, unknown>[]>
  /** Records that failed and were skipped or parked. */
  readonly passedOver: readonly PassedOver[]
}

export interface TaskOptions {
  readonly topology: Topology
  readonly subTopology: SubTopology
  readonly partition: number
  readonly formats: BoundFormats
  /** By the topic's name on the broker. */
  readonly partitionCount: (brokerTopic: string) => number
  /** `max.message.bytes`, by the topic's name on the broker. Default: the broker's own default. */
  readonly maxMessageBytes?: (brokerTopic: string) => number
  /** Says when a record was parked; nothing else depends on it. */
  readonly clock: Clock
}

/** `<sub-topology>_<partition>`, as Kafka Streams names tasks. */
export const taskIdOf = (subTopologyId: number, partition: number): string => `${subTopologyId}_${partition}`

/**
 * One sub-topology on one partition: the operators, the stores and the turns that run through them. Pure but for its own state:
 * records go in, a TurnResult comes out, and `promote` or `forget` decides what becomes of the turn's writes.
 *
 * A record that fails leaves nothing behind: what its segment of the turn has done is undone, and the segment's records run again,
 * each alone in a traced pipeline. So the turn knows which of them failed, and in which step, also where a step is asynchronous;
 * no record runs more than twice, and nothing is watched while nothing fails.
 *
 * Sequence: (`beginTurn` → `push`* → `endTurn`)* with `promote` once per ended turn, oldest first, or `forget` for all of them.
 */
export class Task {
  readonly id: string
  readonly partition: number
  readonly stores = new Map<string, TaskStore>()
  readonly #options: TaskOptions
  readonly #formats: RecordFormats
  readonly #maxMessageBytes: (brokerTopic: string) => number
  readonly #openPipeline: (isTraced?: boolean) => Pipeline
  #overlays: readonly (readonly [store: string, overlay: Overlay])[] = []
  #segment: Segment | undefined
  #done = new Collected()
  #failures: FailureLog

  constructor(options: TaskOptions) {
    const { topology, subTopology, partition } = options
    this.#options = options
    this.#maxMessageBytes = options.maxMessageBytes ?? (() => brokerMaxMessageBytes)
    this.partition = partition
    this.id = taskIdOf(subTopology.id, partition)
    for (const name of subTopology.stores)
      this.stores.set(name, new TaskStore(retentionRuleOf(topology.stores.get(name))))
    this.#formats = new RecordFormats({ ...options, maxMessageBytes: this.#maxMessageBytes })
    this.#failures = this.#newFailures()
    const context: StepContext = {
      store: ({ name }) => this.#checkedStore(name),
      deliver: (topic, message) => this.#deliver(topic, message),
      effect: (name, message) => this.#segment?.collected.addEffect(name, message),
    }
    this.#openPipeline = preparePipeline(subTopology, context)
  }

  beginTurn(): void {
    this.#done = new Collected()
    this.#failures = this.#newFailures()
    this.#overlays = this.#openOverlays()
    this.#segment = this.#newSegment(false)
  }

  /**
   * Decodes a record and pushes it through; to be awaited when it gives a promise, which it does when a record failed.
   * Errors: SLUICE_STREAMS_RECORD_FAILED naming topic, partition, offset and step, where that step's policy is to fail.
   */
  push(record: ConsumedRecord): Promise<void> | undefined {
    const { pipeline, records } = this.#segment as Segment
    // An asynchronous step failed on an earlier record.
    if (pipeline.failure !== undefined) return this.#runEachAlone().then(() => this.push(record))
    const message = this.#decoded(record)
    if (message === undefined) return undefined
    records.push(record)
    this.#feed(pipeline, record, message)
    return pipeline.failure === undefined ? undefined : this.#runEachAlone()
  }

  /** Completes and drains the turn. Errors: as `push`. */
  async endTurn(): Promise<TurnResult> {
    if (!(await this.#endSegment())) {
      await this.#runEachAlone()
      // What is left to fail has no record: a step that throws when its source completes.
      if (!(await this.#endSegment())) throw this.#failedAlone()
    }
    this.#segment = undefined
    const { outputs, effects } = this.#done
    const { passedOver, deadLetters } = this.#failures.result()
    return {
      outputs: deadLetters.length === 0 ? outputs : [...outputs, ...deadLetters],
      changelog: this.#foldedChangelog(),
      effects,
      passedOver,
    }
  }

  promote(): void {
    for (const store of this.stores.values()) store.promote()
  }

  forget(): void {
    this.#segment?.pipeline.close()
    this.#segment = undefined
    for (const store of this.stores.values()) store.forget()
  }

  #newFailures(): FailureLog {
    const { topology, clock } = this.#options
    const topic = deadLetterTopicName(topology)
    return new FailureLog(topology, this.id, () => ({
      topic,
      maxMessageBytes: this.#maxMessageBytes(topic),
      nowMs: clock.now(),
    }))
  }

  #openOverlays(): readonly (readonly [store: string, overlay: Overlay])[] {
    return [...this.stores].map(([name, store]) => [name, store.beginTurn()])
  }

  #newSegment(isApart: boolean, isTraced = false): Segment {
    return { pipeline: this.#openPipeline(isTraced), records: [], collected: new Collected(), isApart }
  }

  #failedAlone(): SluiceError {
    const error = this.#segment?.pipeline.failure?.error
    return new SluiceError({
      code: 'SLUICE_STREAMS_TURN_FAILED',
      message: `task ${this.id} of ${this.#options.topology.name} failed while draining: ${messageOf(error)}`,
      remedy:
        'fix the step that throws without a record, then start the worker again: nothing of the turn was committed',
      cause: error,
    })
  }

  #decoded(record: ConsumedRecord): Message<unknown, unknown> | undefined {
    try {
      return this.#formats.decode(record)
    } catch (error) {
      this.#failures.judge(record, this.#sourceOf(record), error)
      return undefined
    }
  }

  #sourceOf(record: ConsumedRecord): string {
    const topic = this.#formats.graphName(record.topic)
    const { nodes } = this.#options.subTopology
    return nodes.find(node => node.kind === 'source' && node.topics.includes(topic))?.name ?? ''
  }

  #feed(pipeline: Pipeline, record: ConsumedRecord, message: Message<unknown, unknown>): void {
    pipeline.sources.get(this.#formats.graphName(record.topic))?.next(message)
  }

  #deliver(topicName: string, message: Message<unknown, unknown>): void {
    const { outputs, ordinals } = (this.#segment as Segment).collected
    outputs.push(this.#formats.encode(topicName, message, ordinals))
  }

  #checkedStore(name: string): TimedStore {
    const { topology, formats } = this.#options
    const place = { topic: changelogTopicName(topology, name), partition: this.partition }
    return checkedStore(name, this.stores.get(name) as TaskStore, (key, value) => {
      const entry = { key, value, timestamp: 0, streamTime: Number.MAX_SAFE_INTEGER }
      this.#formats.fitting(changelogRecord(place, entry, formats.store(name)))
    })
  }

  #foldedChangelog(): ProducedRecord[] {
    const { topology, formats } = this.#options
    return this.#overlays.flatMap(([name, overlay]) => {
      const serde = formats.store(name)
      const place = { topic: changelogTopicName(topology, name), partition: this.partition }
      return [...overlay.values()].map(entry => changelogRecord(place, entry, serde))
    })
  }

  /** Ends the open segment, as the last of the turn; false when one of its records failed, and all of them are to run again. */
  async #endSegment(): Promise<boolean> {
    const { pipeline, collected, isApart } = this.#segment as Segment
    try {
      await pipeline.drain()
    } catch (error) {
      if (isPassing(error)) throw error
      return false
    }
    if (isApart) for (const store of this.stores.values()) store.fold()
    this.#done.append(collected)
    return true
  }

  /** Undoes the open segment and runs its records again, one by one, without those that fail; then a new segment is open. */
  async #runEachAlone(): Promise<void> {
    const { pipeline, records, isApart } = this.#segment as Segment
    const error = pipeline.failure?.error
    if (isPassing(error)) throw error
    pipeline.close()
    for (const store of this.stores.values()) store.rollback()
    if (!isApart) this.#overlays = this.#openOverlays()
    for (const record of records) await this.#runAlone(record)
    this.#openOverlays()
    this.#segment = this.#newSegment(true)
  }

  async #runAlone(record: ConsumedRecord): Promise<void> {
    const message = this.#decoded(record)
    if (message === undefined) return
    this.#openOverlays()
    const segment = this.#newSegment(true, true)
    this.#segment = segment
    const { pipeline } = segment
    this.#feed(pipeline, record, message)
    try {
      await pipeline.drain()
    } catch (error) {
      pipeline.close()
      for (const store of this.stores.values()) store.rollback()
      const nodeId = pipeline.failure?.nodeId ?? -1
      this.#failures.judge(record, failingNameOf(this.#options.subTopology, nodeId), error)
      return
    }
    for (const store of this.stores.values()) store.fold()
    this.#done.append(segment.collected)
  }
}
