import { AvroCodecs } from '../../codec/avro-codecs.ts'
import { memorySchemaRegistry } from '../../codec/memory-registry.ts'
import type { SchemaRegistry } from '../../codec/registry.ts'
import { partitionFor } from '../../kafka/partitioner.ts'
import type { ConsumedRecord, Header, ProducedRecord } from '../../kafka/types.ts'
import { brokerTopicName, type Topology } from '../dsl/graph.ts'
import type { Message } from '../dsl/message.ts'
import type { TopicDeclaration } from '../dsl/topic.ts'
import type { KeyValueStore, StoreDeclaration } from '../dsl/store.ts'
import { deadLetterTopicName } from '../dsl/failures.ts'
import { bindFormats, type BoundFormats } from '../engine/bound-formats.ts'
import type { PassedOver } from '../engine/failure-log.ts'
import { readDeadLetter, type DeadLetter } from '../engine/read-dead-letter.ts'
import { Task, taskIdOf, type TurnResult } from '../engine/task.ts'

export interface TopologyTestDriverOptions {
  /** Partitions of every topic; more than one shows what keys keep together. Default 1. */
  readonly partitions?: number
  /** Records of one turn; results must not depend on it. Default 1. */
  readonly turnSize?: number
  /** Where the virtual clock starts, milliseconds since the epoch. Default 0. */
  readonly startAtMs?: number
  /** `max.message.bytes` of every topic. Default: the broker's own default. */
  readonly maxMessageBytes?: number
  /** Where schemas are looked up and registered. Default: an empty one in memory. */
  readonly registry?: SchemaRegistry
  /** Handlers of the topology's effects; an effect without one only collects. */
  readonly effects?: Readonly<
    Record<string, (messages: readonly Message<unknown, unknown>[]) => Promise<void>>
  >
}

/** One topic's log in memory. */
type Log = ConsumedRecord[][]

/**
 * Runs a topology on the real tasks, over logs in memory and a clock that only the test moves: no broker, no threads, no waiting.
 *
 * @example
 * const driver = await TopologyTestDriver.create(orders)
 * await driver.pipe(orderCreated, 'order-1', order)
 * expect(driver.read(orderValidated)).toHaveLength(1)
 */
export class TopologyTestDriver {
  readonly #topology: Topology
  readonly #formats: BoundFormats
  readonly #codecs: AvroCodecs
  readonly #partitions: number
  readonly #turnSize: number
  readonly #effects: NonNullable<TopologyTestDriverOptions['effects']>
  readonly #logs = new Map<string, Log>()
  readonly #tasks = new Map<string, Task>()
  readonly #positions = new Map<string, number>()
  readonly #read = new Map<string, number>()
  readonly #collected = new Map<string, Message<unknown, unknown>[]>()
  readonly #passedOver: PassedOver[] = []
  #nowMs: number

  private constructor(
    topology: Topology,
    codecs: AvroCodecs,
    formats: BoundFormats,
    options: TopologyTestDriverOptions,
  ) {
    this.#topology = topology
    this.#codecs = codecs
    this.#formats = formats
    this.#partitions = options.partitions ?? 1
    this.#turnSize = options.turnSize ?? 1
    this.#effects = options.effects ?? {}
    this.#nowMs = options.startAtMs ?? 0
    const { maxMessageBytes } = options
    for (const subTopology of topology.subTopologies) {
      for (let partition = 0; partition < this.#partitions; partition++) {
        const task = new Task({
          topology,
          subTopology,
          partition,
          formats,
          partitionCount: () => this.#partitions,
          clock: { now: () => this.#nowMs, sleep: () => Promise.resolve() },
          ...(maxMessageBytes === undefined ? {} : { maxMessageBytes: () => maxMessageBytes }),
        })
        this.#tasks.set(task.id, task)
      }
    }
  }

  static async create(
    topology: Topology,
    options: TopologyTestDriverOptions = {},
  ): Promise<TopologyTestDriver> {
    const codecs = new AvroCodecs(options.registry ?? memorySchemaRegistry())
    return new TopologyTestDriver(topology, codecs, await bindFormats(topology, codecs), options)
  }

  /** Moves the virtual clock, and so the time of the records piped after it. */
  advance(durationMs: number): void {
    this.#nowMs += durationMs
  }

  /** Writes one record to a topic and runs the topology until nothing is left to read. */
  async pipe<K, V>(
    topic: TopicDeclaration<K, V>,
    key: K,
    value: V,
    options: { readonly timestamp?: number; readonly headers?: readonly Header[] } = {},
  ): Promise<void> {
    await this.pipeAll(topic, [{ key, value, ...options }])
  }

  /** Writes records first and runs then, so that one turn sees several of them. */
  async pipeAll<K, V>(
    topic: TopicDeclaration<K, V>,
    records: readonly {
      readonly key: K
      readonly value: V
      readonly timestamp?: number
      readonly headers?: readonly Header[]
    }[],
  ): Promise<void> {
    const serde = this.#formats.topic(topic.name)
    for (const { key, value, timestamp, headers } of records) {
      const keyBytes = serde.key.encode(key)
      this.#append({
        topic: topic.name,
        partition: partitionFor(keyBytes, this.#partitions),
        timestamp: timestamp ?? this.#nowMs,
        key: keyBytes,
        value: serde.value.encode(value),
        headers: headers ?? [],
      })
    }
    await this.#runUntilQuiet()
  }

  /** Writes bytes as they are, as another producer would, and runs the topology; the partition is 0 unless told. */
  async pipeRaw(
    topic: Pick<TopicDeclaration<unknown, unknown>, 'name'>,
    records: readonly (Pick<ConsumedRecord, 'key' | 'value'> &
      Partial<Pick<ConsumedRecord, 'partition' | 'timestamp' | 'headers'>>)[],
  ): Promise<void> {
    for (const { key, value, partition, timestamp, headers } of records) {
      this.#append({
        topic: topic.name,
        partition: partition ?? 0,
        timestamp: timestamp ?? this.#nowMs,
        key,
        value,
        headers: headers ?? [],
      })
    }
    await this.#runUntilQuiet()
  }

  /** Every record parked so far, partition by partition. */
  deadLetters(): readonly DeadLetter[] {
    const logs = this.#logs.get(deadLetterTopicName(this.#topology)) ?? []
    return logs.flat().map(readDeadLetter)
  }

  /** Records passed over so far, skipped ones included. */
  passedOver(): readonly PassedOver[] {
    return this.#passedOver
  }

  /** The records written to a topic since the last read of it, partition by partition. */
  read<K, V>(
    topic: TopicDeclaration<K, V>,
  ): { key: K; value: V; timestamp: number; headers: readonly Header[] }[] {
    const serde = this.#formats.topic(topic.name)
    const fresh = (this.#logs.get(topic.name) ?? []).flatMap((log, partition) => {
      const place = `${topic.name}-${partition}`
      const from = this.#read.get(place) ?? 0
      this.#read.set(place, log.length)
      return log.slice(from)
    })
    return fresh.map(({ key, value, timestamp, headers }) => ({
      key: serde.key.decode(key as Buffer) as K,
      value: serde.value.decode(value as Buffer) as V,
      timestamp,
      headers,
    }))
  }

  /** Every record written to a topic or changelog so far as it lies there, partition by partition. */
  log(topic: Pick<TopicDeclaration<unknown, unknown>, 'name'>): readonly ConsumedRecord[] {
    return (this.#logs.get(topic.name) ?? []).flat()
  }

  /** The messages that reached an effect, in the order in which they came. */
  effects(name: string): readonly Message<unknown, unknown>[] {
    return this.#collected.get(name) ?? []
  }

  /** The committed value of a key, whichever task holds it. */
  get<K, V>(store: StoreDeclaration<K, V>, key: K): V | undefined {
    for (const task of this.#tasks.values()) {
      const value = (task.stores.get(store.name) as KeyValueStore<K, V> | undefined)?.get(key)
      if (value !== undefined) return value
    }
    return undefined
  }

  async #runUntilQuiet(): Promise<void> {
    let busy = true
    while (busy) {
      busy = false
      for (const subTopology of this.#topology.subTopologies) {
        for (let partition = 0; partition < this.#partitions; partition++) {
          const task = this.#tasks.get(taskIdOf(subTopology.id, partition)) as Task
          const records = subTopology.sourceTopics.flatMap(topic => this.#take(topic, partition))
          if (records.length === 0) continue
          busy = true
          await this.#turn(task, records)
        }
      }
    }
  }

  #take(graphTopic: string, partition: number): ConsumedRecord[] {
    const topic = brokerTopicName(this.#topology, graphTopic)
    const log = this.#logs.get(topic)?.[partition] ?? []
    const place = `${topic}-${partition}`
    const from = this.#positions.get(place) ?? 0
    const records = log.slice(from, from + this.#turnSize)
    this.#positions.set(place, from + records.length)
    return records
  }

  async #turn(task: Task, records: readonly ConsumedRecord[]): Promise<void> {
    await this.#codecs.load(this.#codecs.missingIds(records.map(record => record.value)))
    task.beginTurn()
    let result: TurnResult
    try {
      for (const record of records) await task.push(record)
      result = await task.endTurn()
    } catch (error) {
      task.forget()
      throw error
    }
    for (const [name, messages] of result.effects) {
      this.#collected.set(name, [...(this.#collected.get(name) ?? []), ...messages])
      await this.#effects[name]?.(messages)
    }
    for (const record of [...result.outputs, ...result.changelog]) this.#append(record)
    this.#passedOver.push(...result.passedOver)
    task.promote()
  }

  #append(record: ProducedRecord): void {
    const logs = this.#logs.get(record.topic) ?? Array.from({ length: this.#partitions }, () => [])
    this.#logs.set(record.topic, logs)
    const log = logs[record.partition] as ConsumedRecord[]
    log.push({ ...record, offset: log.length })
  }
}
