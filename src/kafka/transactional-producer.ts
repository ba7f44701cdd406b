import type { CrashPoints } from '../core/crash-points.ts'
import { SluiceError } from '../core/errors.ts'
import { errorIdOf, handlingOf, isReplyLost, isUnreachable, kafkaError } from './classify.ts'
import type { Cluster } from './cluster.ts'
import type { Compression } from './compression.ts'
import { closedError } from './lane.ts'
import type { Lane } from './lane.ts'
import { positionKey } from './positions.ts'
import { encodeRecordBatch } from './record-batch.ts'
import { pauseMs } from './retry.ts'
import { planSend } from './send-plan.ts'
import type { PlannedBatch } from './send-plan.ts'
import { anyOwner, TransactionRequests } from './transaction-requests.ts'
import type { ProducerIdentity } from './transaction-requests.ts'
import type {
  CommitOutcome,
  GroupMetadata,
  OffsetPosition,
  ProducedRecord,
  TopicPartition,
  TransactionalProducer,
} from './types.ts'

export interface TransactionalProducerOptions {
  readonly transactionTimeoutMs: number
  readonly compression: Compression
  /** Largest batch before compression; below the broker's message.max.bytes. */
  readonly maxBatchBytes: number
  readonly crash?: CrashPoints | undefined
}

/** `failed`: something went wrong inside the transaction, so that only abort or init may follow. */
type State = 'new' | 'ready' | 'open' | 'failed' | 'fenced'

const fencedCode = 'SLUICE_KAFKA_PRODUCER_FENCED'
const staleGenerationCode = 'SLUICE_KAFKA_STALE_GENERATION'

// Answers that prove that an EndTxn has not been applied; after any other retriable one it may have been.
const surelyNotEnded = new Set(['CONCURRENT_TRANSACTIONS', 'COORDINATOR_LOAD_IN_PROGRESS'])

/** The state machine of one transactional id; see `TransactionalProducer` for the contract. */
export class KafkaTransactionalProducer implements TransactionalProducer {
  readonly transactionalId: string
  readonly #cluster: Cluster
  readonly #options: TransactionalProducerOptions
  readonly #lane: Lane
  readonly #requests: TransactionRequests
  readonly #closing = new AbortController()
  readonly #signal: AbortSignal
  readonly #sequences = new Map<string, number>()
  readonly #added = new Set<string>()
  readonly #groups = new Set<string>()
  #state: State = 'new'
  #isBusy = false

  constructor(cluster: Cluster, transactionalId: string, options: TransactionalProducerOptions) {
    this.#cluster = cluster
    this.transactionalId = transactionalId
    this.#options = options
    this.#lane = cluster.openLane()
    this.#signal = AbortSignal.any([cluster.signal, this.#closing.signal])
    this.#requests = new TransactionRequests(cluster, this.#lane, transactionalId, this.#signal)
  }

  init(): Promise<void> {
    return this.#exclusively('init', () => this.#initialise(anyOwner))
  }

  send(records: readonly ProducedRecord[]): Promise<void> {
    return this.#exclusively('send', async () => {
      this.#requireUsable('send')
      if (records.length === 0) return
      await this.#inTransaction(async () => {
        const rounds = planSend(records, this.#options.maxBatchBytes)
        // The first round names every partition there is.
        await this.#addPartitions(rounds[0] ?? [])
        this.#options.crash?.('transaction.opened')
        for (const round of rounds) await this.#produce(round)
      })
    })
  }

  sendOffsets(group: GroupMetadata, positions: readonly OffsetPosition[]): Promise<void> {
    return this.#exclusively('sendOffsets', async () => {
      this.#requireUsable('sendOffsets')
      if (positions.length === 0) return
      await this.#inTransaction(async () => {
        await this.#addGroup(group.groupId)
        await this.#requests.commitOffsets(group, positions)
      })
    })
  }

  commit(): Promise<CommitOutcome> {
    return this.#exclusively('commit', async () => {
      this.#requireUsable('commit')
      if (this.#state === 'ready') return 'committed'
      const outcome = await this.#endCommitted()
      if (outcome === 'committed') this.#forgetTransaction()
      return outcome
    })
  }

  abort(): Promise<void> {
    return this.#exclusively('abort', async () => {
      if (this.#state === 'fenced' || this.#state === 'new') throw this.#refused('abort')
      this.#state = 'failed'
      await this.#renewEpoch()
    })
  }

  get isClosed(): boolean {
    return this.#closing.signal.aborted
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return
    // An open transaction would hold up every reader of its partitions until it times out.
    const isOpen = this.#state === 'open' || this.#state === 'failed'
    if (isOpen && !this.#isBusy && this.#hasBegun()) await this.#endAborted(1000).catch(() => {})
    this.#closing.abort(closedError())
    await this.#lane.close()
  }

  async #exclusively<Result>(what: string, run: () => Promise<Result>): Promise<Result> {
    this.#signal.throwIfAborted()
    if (this.#isBusy) {
      throw new SluiceError({
        code: 'SLUICE_KAFKA_TRANSACTION_BUSY',
        message: `${what} was called on ${this.transactionalId} while another call was under way`,
        remedy: 'await every call on a transactional producer before the next',
      })
    }
    this.#isBusy = true
    try {
      return await run()
    } finally {
      this.#isBusy = false
    }
  }

  #refused(what: string): SluiceError {
    const details = { transactionalId: this.transactionalId }
    const message = `${what} refused: the transactional id ${this.transactionalId} is ${this.#state}`
    if (this.#state === 'fenced') {
      const remedy = 'forget the turn and call init, or end this process when another one owns the id'
      return new SluiceError({ code: fencedCode, message, remedy, reaction: 'rebuild-producer', details })
    }
    if (this.#state === 'new') {
      return new SluiceError({
        code: 'SLUICE_KAFKA_NOT_INITIALISED',
        message,
        remedy: 'call init first',
        details,
      })
    }
    const remedy = 'abort: what the transaction has written must not be committed in part'
    return new SluiceError({
      code: 'SLUICE_KAFKA_TRANSACTION_FAILED',
      message,
      remedy,
      reaction: 'forget-turn',
      details,
    })
  }

  #requireUsable(what: string): void {
    if (this.#state !== 'ready' && this.#state !== 'open') throw this.#refused(what)
  }

  #hasBegun(): boolean {
    return this.#added.size > 0 || this.#groups.size > 0
  }

  #forgetTransaction(): void {
    this.#state = 'ready'
    this.#added.clear()
    this.#groups.clear()
  }

  async #initialise(expected: ProducerIdentity): Promise<void> {
    try {
      await this.#requests.initProducerId(expected, this.#options.transactionTimeoutMs)
    } catch (error) {
      throw this.#failed(error)
    }
    this.#sequences.clear()
    this.#forgetTransaction()
  }

  /**
   * Ends whatever this epoch has open and takes the next one. The abort comes first even when nothing was begun: it is
   * refused to a zombie, whereas InitProducerId with an old epoch would first abort the new owner's open transaction.
   * The epoch is the expected one, so that a zombie never takes the id back.
   */
  async #renewEpoch(): Promise<void> {
    await this.#endAborted(this.#cluster.operationTimeoutMs)
    await this.#initialise(this.#requests.identity)
  }

  /** Runs a part of the transaction; whatever fails in it, but for a generation that is not current, fails it all. */
  async #inTransaction(run: () => Promise<void>): Promise<void> {
    if (this.#state === 'ready') {
      // A request whose reply was lost may still reach the broker and would then act on this new transaction;
      // a new epoch makes it void.
      if (this.#requests.replyLost) await this.#renewEpoch()
      this.#state = 'open'
    }
    try {
      await run()
    } catch (error) {
      throw this.#failed(error)
    }
  }

  #failed(thrown: unknown): SluiceError {
    const error = kafkaError(thrown, this.transactionalId, { transactionalId: this.transactionalId })
    if (error.code === staleGenerationCode || this.#state === 'new') return error
    this.#state = error.code === fencedCode ? 'fenced' : 'failed'
    if (error.reaction !== 'retry') return error
    // The same call cannot simply be repeated any more: the transaction has failed.
    return new SluiceError({
      code: error.code,
      message: error.message,
      remedy: 'abort the transaction, then run the turn again',
      reaction: 'forget-turn',
      details: error.details,
      cause: error,
    })
  }

  async #addPartitions(partitions: readonly TopicPartition[]): Promise<void> {
    const missing = partitions.filter(of => !this.#added.has(positionKey(of)))
    if (missing.length === 0) return
    // Remembered before the request: one that fails may still have opened the transaction at the coordinator.
    for (const of of missing) this.#added.add(positionKey(of))
    await this.#requests.addPartitions(missing)
  }

  async #addGroup(groupId: string): Promise<void> {
    if (this.#groups.has(groupId)) return
    this.#groups.add(groupId)
    await this.#requests.addGroup(groupId)
  }

  async #produce(round: readonly PlannedBatch[]): Promise<void> {
    const { identity } = this.#requests
    const batches = round.map(({ topic, partition, records }) => {
      const baseSequence = this.#sequences.get(positionKey({ topic, partition })) ?? 0
      const batch = encodeRecordBatch(records, { ...identity, baseSequence }, this.#options.compression, true)
      return { topic, partition, batch }
    })
    await this.#requests.produce(batches)
    for (const planned of round) {
      const key = positionKey(planned)
      this.#sequences.set(key, ((this.#sequences.get(key) ?? 0) + planned.records.length) % 0x80000000)
    }
  }

  async #endCommitted(): Promise<CommitOutcome> {
    const { clock, operationTimeoutMs } = this.#cluster
    const deadline = clock.now() + operationTimeoutMs
    let mayBeCommitted = false
    for (let tries = 0; ; tries++) {
      try {
        await this.#requests.endOnce(true)
        return 'committed'
      } catch (error) {
        const id = errorIdOf(error)
        const handling = handlingOf(error)
        this.#state = 'failed'
        if (id === undefined && !isUnreachable(error)) {
          // No answer: it may have been applied, and repeating it would not tell which of the two was.
          if (isReplyLost(error)) return 'unknown'
          throw this.#failed(error)
        }
        if (handling === 'refuse') {
          if (kafkaError(error, 'commit').code === fencedCode) this.#state = 'fenced'
          return mayBeCommitted ? 'unknown' : 'aborted'
        }
        if (id !== undefined && !surelyNotEnded.has(id)) mayBeCommitted = true
        if (clock.now() >= deadline || this.#signal.aborted) return 'unknown'
        if (handling === 'find-coordinator') this.#requests.dropCoordinator()
        await clock.sleep(pauseMs(handling, tries), this.#signal).catch(() => {})
      }
    }
  }

  async #endAborted(timeoutMs: number): Promise<void> {
    try {
      await this.#requests.endAborted(timeoutMs)
    } catch (error) {
      // The coordinator knows of no transaction to abort: it was never begun there, or has ended.
      if (kafkaError(error, 'abort').code === 'SLUICE_KAFKA_TRANSACTION_ABORTABLE') return
      throw this.#failed(error)
    }
  }
}
