import {
  addOffsetsToTxnV4,
  addPartitionsToTxnV3,
  endTxnV4,
  initProducerIdV5,
  txnOffsetCommitV4,
} from '@platformatic/kafka'
import type { Broker } from '@platformatic/kafka'
import { isReplyLost } from './classify.ts'
import type { Cluster, CoordinatorType } from './cluster.ts'
import type { Lane } from './lane.ts'
import { offsetsByTopic, partitionsByTopic } from './positions.ts'
import { produceRound } from './produce-round.ts'
import type { EncodedBatch } from './produce-round.ts'
import type { GroupMetadata, OffsetPosition, TopicPartition } from './types.ts'

export interface ProducerIdentity {
  readonly producerId: bigint
  readonly producerEpoch: number
}

/** Asks for a new epoch whoever owned the id before. */
export const anyOwner: ProducerIdentity = { producerId: -1n, producerEpoch: -1 }

/**
 * The requests of one transactional id, each repeated while repeating is harmless, without any idea of their order.
 * Version 4 and below of the transaction requests: the epoch stays the same over commits.
 */
export class TransactionRequests {
  readonly transactionalId: string
  readonly #cluster: Cluster
  readonly #lane: Lane
  readonly #signal: AbortSignal
  identity: ProducerIdentity = anyOwner
  /** A reply was lost since the epoch was taken: its request may still arrive at any time. */
  replyLost = false

  constructor(cluster: Cluster, lane: Lane, transactionalId: string, signal: AbortSignal) {
    this.#cluster = cluster
    this.#lane = lane
    this.transactionalId = transactionalId
    this.#signal = signal
  }

  async initProducerId(expected: ProducerIdentity, transactionTimeoutMs: number): Promise<void> {
    const { producerId, producerEpoch } = await this.#repeat(
      'transaction',
      this.transactionalId,
      'InitProducerId',
      broker =>
        this.#lane.call(
          broker,
          initProducerIdV5.api,
          this.transactionalId,
          transactionTimeoutMs,
          expected.producerId,
          expected.producerEpoch,
        ),
    )
    this.identity = { producerId, producerEpoch }
    this.replyLost = false
  }

  async addPartitions(partitions: readonly TopicPartition[]): Promise<void> {
    await this.#repeat('transaction', this.transactionalId, 'AddPartitionsToTxn', broker =>
      this.#lane.call(broker, addPartitionsToTxnV3.api, [
        {
          transactionalId: this.transactionalId,
          ...this.identity,
          verifyOnly: false,
          topics: partitionsByTopic(partitions),
        },
      ]),
    )
  }

  async addGroup(groupId: string): Promise<void> {
    const { producerId, producerEpoch } = this.identity
    await this.#repeat('transaction', this.transactionalId, 'AddOffsetsToTxn', broker =>
      this.#lane.call(
        broker,
        addOffsetsToTxnV4.api,
        this.transactionalId,
        producerId,
        producerEpoch,
        groupId,
      ),
    )
  }

  async commitOffsets(group: GroupMetadata, positions: readonly OffsetPosition[]): Promise<void> {
    const { producerId, producerEpoch } = this.identity
    await this.#repeat('group', group.groupId, 'TxnOffsetCommit', broker =>
      this.#lane.call(
        broker,
        txnOffsetCommitV4.api,
        this.transactionalId,
        group.groupId,
        producerId,
        producerEpoch,
        group.generationId,
        group.memberId,
        group.groupInstanceId,
        offsetsByTopic(positions),
      ),
    )
  }

  /** Sends each batch until it is acknowledged by all replicas. */
  async produce(batches: readonly EncodedBatch[]): Promise<void> {
    await produceRound(
      {
        cluster: this.#cluster,
        lane: this.#lane,
        transactionalId: this.transactionalId,
        signal: this.#signal,
      },
      batches,
      error => this.#note(error),
    )
  }

  /** One EndTxn to the coordinator known now, not repeated: only the caller knows what a failure means. */
  async endOnce(isCommit: boolean): Promise<void> {
    const { producerId, producerEpoch } = this.identity
    try {
      const broker = await this.#cluster.coordinator('transaction', this.transactionalId)
      await this.#lane.call(broker, endTxnV4.api, this.transactionalId, producerId, producerEpoch, isCommit)
    } catch (error) {
      this.#note(error)
      throw error
    }
  }

  /** EndTxn with abort, repeated: aborting twice is the same as once. */
  async endAborted(timeoutMs: number): Promise<void> {
    const { producerId, producerEpoch } = this.identity
    await this.#repeat(
      'transaction',
      this.transactionalId,
      'EndTxn (abort)',
      broker => this.#lane.call(broker, endTxnV4.api, this.transactionalId, producerId, producerEpoch, false),
      timeoutMs,
    )
  }

  dropCoordinator(): void {
    this.#cluster.dropCoordinator('transaction', this.transactionalId)
  }

  #note(error: unknown): void {
    if (isReplyLost(error)) this.replyLost = true
  }

  #repeat<Response>(
    type: CoordinatorType,
    key: string,
    name: string,
    request: (broker: Broker) => Promise<Response>,
    timeoutMs = this.#cluster.operationTimeoutMs,
  ): Promise<Response> {
    return this.#cluster.callCoordinator(
      {
        type,
        key,
        what: `${name} of ${this.transactionalId}`,
        signal: this.#signal,
        timeoutMs,
        onRetry: error => this.#note(error),
      },
      request,
    )
  }
}
