import {
  ConfigResourceTypes,
  createTopicsV7,
  deleteGroupsV2,
  deleteTopicsV6,
  describeConfigsV4,
  describeGroupsV5,
  initProducerIdV5,
  listOffsetsV7,
  offsetCommitV8,
  offsetFetchV8,
} from '@platformatic/kafka'
import type { Broker } from '@platformatic/kafka'
import { SluiceError } from '../core/errors.ts'
import { errorIdOf, unreachableCode } from './classify.ts'
import type { Cluster } from './cluster.ts'
import { groupByLeader } from './leaders.ts'
import type { Lane } from './lane.ts'
import type { TopicMetadata } from './metadata.ts'
import { offsetsByTopic, partitionsByTopic, positionKey } from './positions.ts'
import { pauseMs, retrying } from './retry.ts'
import type {
  GroupMetadata,
  KafkaAdmin,
  OffsetPosition,
  TopicDescription,
  TopicPartition,
  TopicSpec,
} from './types.ts'

const earliest = -2n
const latest = -1n
// What the broker answers when no record is of that time or later.
const noneSoLate = -1
const brokerDefault = -1
const topicResource = ConfigResourceTypes.TOPIC
const consumerReplica = -1
// Whoever is fenced gets its own timeout again when it initialises; this one only has to be legal.
const fencingTimeoutMs = 60_000

/** Topics, offsets and fencing by raw requests; see `KafkaAdmin` for the contract. */
export class ClusterAdmin implements KafkaAdmin {
  readonly #cluster: Cluster
  readonly #lane: Lane

  constructor(cluster: Cluster) {
    this.#cluster = cluster
    this.#lane = cluster.openLane()
  }

  async describeTopics(names: readonly string[]): Promise<TopicDescription[]> {
    if (names.length === 0) return []
    const topics = await this.#topics(names)
    return names.map(name => {
      const found = topics.get(name)
      if (found === undefined) throw unknownTopic(name)
      return { name, partitions: found.leaders.length }
    })
  }

  async listTopics(): Promise<string[]> {
    const topics = await this.#retrying('listing topics', () => this.#cluster.metadata.fetch(null))
    return topics.filter(({ isInternal }) => !isInternal).map(({ name }) => name)
  }

  async ensureTopics(specs: readonly TopicSpec[]): Promise<void> {
    if (specs.length === 0) return
    const known = await this.#topics(specs.map(({ name }) => name))
    const missing = specs.filter(({ name }) => !known.has(name))
    if (missing.length > 0) await this.#retrying('creating topics', () => this.#create(missing))
    await this.#untilLed(specs)
  }

  async deleteTopics(names: readonly string[]): Promise<void> {
    if (names.length === 0) return
    await this.#retrying('deleting topics', async () => {
      try {
        const topics = names.map(name => ({ name, topicId: null }))
        await this.#cluster.call(deleteTopicsV6.api, topics, this.#cluster.requestTimeoutMs)
      } catch (error) {
        // One that is already gone is what was asked for.
        if (errorIdOf(error) !== 'UNKNOWN_TOPIC_OR_PARTITION') throw error
      }
    })
    await this.#waitFor(
      `the deletion of ${names.join(', ')}`,
      async () => (await this.#topics(names)).size === 0,
    )
  }

  async topicSetting(names: readonly string[], setting: string): Promise<ReadonlyMap<string, string>> {
    if (names.length === 0) return new Map()
    const resources = names.map(name => ({
      resourceType: topicResource,
      resourceName: name,
      configurationKeys: [setting],
    }))
    const { results } = await this.#retrying(`reading ${setting} of topics`, () =>
      this.#cluster.call(describeConfigsV4.api, resources, false, false),
    )
    const values = results.map(({ resourceName, configs }) => [resourceName, configs[0]?.value] as const)
    return new Map(values.flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])))
  }

  async listOffsets(
    partitions: readonly TopicPartition[],
    at: 'earliest' | 'latest-committed' | 'latest',
  ): Promise<OffsetPosition[]> {
    const found = await this.#offsets(
      partitions,
      at === 'earliest' ? earliest : latest,
      at === 'latest-committed',
    )
    return partitions.map(of => ({ ...of, offset: found.get(positionKey(of)) ?? 0 }))
  }

  async offsetsAt(partitions: readonly TopicPartition[], timestampMs: number): Promise<OffsetPosition[]> {
    // The end is asked for first: what is written in between is not passed over.
    const ends = await this.#offsets(partitions, latest, false)
    const found = await this.#offsets(partitions, BigInt(Math.max(0, Math.floor(timestampMs))), false)
    return partitions.map(of => {
      const offset = found.get(positionKey(of)) ?? noneSoLate
      return { ...of, offset: offset === noneSoLate ? (ends.get(positionKey(of)) ?? 0) : offset }
    })
  }

  async #offsets(
    partitions: readonly TopicPartition[],
    timestamp: bigint,
    isCommittedOnly: boolean,
  ): Promise<ReadonlyMap<string, number>> {
    const found = new Map<string, number>()
    await this.#retrying(
      'listing offsets',
      async () => {
        const missing = partitions.filter(of => !found.has(positionKey(of)))
        const { led, leaderless } = await groupByLeader(this.#cluster.metadata, missing)
        for (const { leader, items } of led) {
          const response = await this.#lane.call(
            leader,
            listOffsetsV7.api,
            consumerReplica,
            isCommittedOnly ? 1 : 0,
            partitionsByTopic(items).map(({ name, partitions: indexes }) => ({
              name,
              partitions: indexes.map(partitionIndex => ({
                partitionIndex,
                currentLeaderEpoch: -1,
                timestamp,
              })),
            })),
          )
          for (const { name, partitions: answers } of response.topics) {
            for (const { partitionIndex, offset } of answers) {
              found.set(positionKey({ topic: name, partition: partitionIndex }), Number(offset))
            }
          }
        }
        if (leaderless[0] !== undefined) throw await this.#leaderless(leaderless[0])
      },
      () => partitions.forEach(({ topic }) => this.#cluster.metadata.drop(topic)),
    )
    return found
  }

  async committedOffsets(
    groupId: string,
    partitions: readonly TopicPartition[],
    timeoutMs = this.#cluster.operationTimeoutMs,
  ): Promise<OffsetPosition[]> {
    // Stable only: an offset with a transaction pending on it would let two owners process the same records.
    return this.#fetchOffsets(groupId, partitions, true, timeoutMs)
  }

  unstableOffsets(groupId: string, partitions: readonly TopicPartition[]): Promise<OffsetPosition[]> {
    return this.#fetchOffsets(groupId, partitions, false, this.#cluster.operationTimeoutMs)
  }

  async commitOffsets(group: GroupMetadata, positions: readonly OffsetPosition[]): Promise<void> {
    if (positions.length === 0) return
    const { groupId, generationId, memberId, groupInstanceId } = group
    const topics = offsetsByTopic(positions)
    await this.#coordinated('group', groupId, 'committing offsets', undefined, coordinator =>
      this.#lane.call(
        coordinator,
        offsetCommitV8.api,
        groupId,
        generationId,
        memberId,
        groupInstanceId,
        topics,
      ),
    )
  }

  async deleteGroup(groupId: string): Promise<void> {
    await this.#coordinated('group', groupId, 'deleting', undefined, async coordinator => {
      try {
        await this.#lane.call(coordinator, deleteGroupsV2.api, [groupId])
      } catch (error) {
        if (errorIdOf(error) !== 'GROUP_ID_NOT_FOUND') throw error
      }
    })
  }

  async memberCount(groupId: string): Promise<number> {
    const { groups } = await this.#coordinated('group', groupId, 'describing', undefined, coordinator =>
      this.#lane.call(coordinator, describeGroupsV5.api, [groupId], false),
    )
    return groups[0]?.members.length ?? 0
  }

  async fenceProducer(transactionalId: string): Promise<void> {
    await this.#coordinated('transaction', transactionalId, 'fencing', undefined, coordinator =>
      this.#lane.call(coordinator, initProducerIdV5.api, transactionalId, fencingTimeoutMs, -1n, -1),
    )
  }

  async #fetchOffsets(
    groupId: string,
    partitions: readonly TopicPartition[],
    requireStable: boolean,
    timeoutMs: number,
  ): Promise<OffsetPosition[]> {
    if (partitions.length === 0) return []
    const topics = partitionsByTopic(partitions).map(({ name, partitions: indexes }) => ({
      name,
      partitionIndexes: indexes,
    }))
    const response = await this.#coordinated(
      'group',
      groupId,
      'reading committed offsets',
      timeoutMs,
      coordinator =>
        this.#lane.call(
          coordinator,
          offsetFetchV8.api,
          [{ groupId, memberEpoch: -1, topics }],
          requireStable,
        ),
    )
    const found = new Map<string, { readonly offset: number; readonly metadata?: string }>()
    for (const { name, partitions: answers } of response.groups[0]?.topics ?? []) {
      for (const { partitionIndex, committedOffset, metadata } of answers) {
        found.set(positionKey({ topic: name, partition: partitionIndex }), {
          offset: Number(committedOffset),
          ...(metadata ? { metadata } : {}),
        })
      }
    }
    return partitions.map(({ topic, partition }) => ({
      topic,
      partition,
      ...(found.get(positionKey({ topic, partition })) ?? { offset: -1 }),
    }))
  }

  get isClosed(): boolean {
    return this.#lane.isClosed
  }

  close(): Promise<void> {
    return this.#lane.close()
  }

  #retrying<Result>(
    what: string,
    attempt: () => Promise<Result>,
    onRetry: () => void = () => {},
    timeoutMs = this.#cluster.operationTimeoutMs,
  ): Promise<Result> {
    return retrying(
      { clock: this.#cluster.clock, timeoutMs, signal: this.#cluster.signal, what },
      attempt,
      onRetry,
    )
  }

  #coordinated<Result>(
    type: 'group' | 'transaction',
    key: string,
    what: string,
    timeoutMs: number | undefined,
    request: (coordinator: Broker) => Promise<Result>,
  ): Promise<Result> {
    const options = {
      type,
      key,
      what: `${what} of ${key}`,
      timeoutMs: timeoutMs ?? this.#cluster.operationTimeoutMs,
    }
    return this.#cluster.callCoordinator(options, request)
  }

  async #topics(names: readonly string[]): Promise<Map<string, TopicMetadata>> {
    const topics = await this.#retrying('describing topics', () => this.#cluster.metadata.fetch(names))
    return new Map(topics.map(topic => [topic.name, topic]))
  }

  async #create(specs: readonly TopicSpec[]): Promise<void> {
    const topics = specs.map(({ name, partitions, replicas = brokerDefault, config = {} }) => ({
      name,
      numPartitions: partitions,
      replicationFactor: replicas,
      assignments: [],
      configs: Object.entries(config).map(([key, value]) => ({ name: key, value })),
    }))
    try {
      await this.#cluster.call(createTopicsV7.api, topics, this.#cluster.requestTimeoutMs, false)
    } catch (error) {
      // Somebody else was faster; its partition count is checked like that of any other existing topic.
      if (errorIdOf(error) !== 'TOPIC_ALREADY_EXISTS') throw error
    }
  }

  async #untilLed(specs: readonly TopicSpec[]): Promise<void> {
    const names = specs.map(({ name }) => name)
    await this.#waitFor(`leaders of ${names.join(', ')}`, async () => {
      const topics = await this.#topics(names)
      for (const { name, partitions } of specs) {
        const found = topics.get(name)
        if (found !== undefined && found.leaders.length !== partitions)
          throw otherPartitions(name, partitions, found)
      }
      return names.every(name => topics.get(name)?.leaders.every(leader => leader !== undefined) === true)
    })
  }

  async #waitFor(what: string, isDone: () => Promise<boolean>): Promise<void> {
    const { clock, operationTimeoutMs, signal } = this.#cluster
    const deadline = clock.now() + operationTimeoutMs
    for (let tries = 0; !(await isDone()); tries++) {
      if (clock.now() >= deadline) {
        throw new SluiceError({
          code: 'SLUICE_KAFKA_UNAVAILABLE',
          message: `waited ${operationTimeoutMs} ms for ${what}`,
          remedy: 'check that the brokers are up and not overloaded',
          reaction: 'retry',
        })
      }
      await clock.sleep(pauseMs('again', tries), signal)
    }
  }

  async #leaderless(of: TopicPartition): Promise<SluiceError> {
    const topic = await this.#cluster.metadata.topic(of.topic)
    const name = `${of.topic}-${of.partition}`
    if (topic === undefined || of.partition >= topic.leaders.length) return unknownTopic(name)
    return new SluiceError({ code: unreachableCode, message: `${name} has no leader`, reaction: 'retry' })
  }
}

const unknownTopic = (name: string): SluiceError =>
  new SluiceError({
    code: 'SLUICE_KAFKA_UNKNOWN_TOPIC',
    message: `${name} does not exist`,
    remedy: 'create it first (`sluice migrate` creates those of the application), or correct the name',
    details: { topic: name },
  })

const otherPartitions = (name: string, wanted: number, found: TopicMetadata): SluiceError =>
  new SluiceError({
    code: 'SLUICE_KAFKA_PARTITIONS_DIFFER',
    message: `topic ${name} has ${found.leaders.length} partitions, ${wanted} were asked for`,
    remedy: 'give it the count that it has: with another one keys would change their partition',
    details: { topic: name, partitions: found.leaders.length, wanted },
  })
