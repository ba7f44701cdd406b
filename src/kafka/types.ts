/** One header; Kafka allows the same name more than once, and keeps the order. */
export type Header = readonly [name: string, value: Buffer]

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** A record as read from a log: bytes, not yet decoded. Offsets and timestamps are safe integers. */
export interface ConsumedRecord extends TopicPartition {
  readonly offset: number
  /** Milliseconds since the epoch. */
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly Header[]
  /** Only of a reader that was made with `transactions`, and only of what a transactional producer wrote. */
  readonly transaction?: TransactionMark
}

/** Whose transaction a record belongs to. A marker, itself no record, ends the open one of that producer in its partition. */
export interface TransactionMark {
  readonly producerId: bigint
  readonly marker?: 'commit' | 'abort'
}

/** A record to write; the caller has chosen the partition. */
export interface ProducedRecord extends TopicPartition {
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly Header[]
}

/** `offset` is the next one to read. */
export interface OffsetPosition extends TopicPartition {
  readonly offset: number
  /** What whoever commits an offset notes beside it; comes back when committed offsets are read. */
  readonly metadata?: string
}

/** Who commits offsets: the group's coordinator refuses a generation that is not the current one. */
export interface GroupMetadata {
  readonly groupId: string
  readonly memberId: string
  readonly generationId: number
  readonly groupInstanceId: string | null
}

/** Connection settings of one Kafka cluster. */
export interface KafkaOptions {
  /** `host:port` of each bootstrap broker. */
  readonly brokers: readonly string[]
  readonly clientId: string
}

/** What became of a transaction; `unknown` must be resolved by the caller (new producer, then stable offsets). */
export type CommitOutcome = 'committed' | 'aborted' | 'unknown'

/**
 * One transactional id, one transaction at a time, driven strictly in sequence:
 * `init` → (`send`* → `sendOffsets`* → `commit` | `abort`)*.
 * After any error only `abort` or `init` is allowed: a torn transaction can never be committed.
 */
export interface TransactionalProducer {
  readonly transactionalId: string
  /** InitProducerId with no expected id: fences every earlier owner of the id and ends its open transaction. */
  init(): Promise<void>
  /** Appends records to the open transaction (opens one if none is), split by request size; resolves when acknowledged by all. */
  send(records: readonly ProducedRecord[]): Promise<void>
  /** All positions in one TxnOffsetCommit. ILLEGAL_GENERATION rejects with reaction `retry`: the transaction stays open. */
  sendOffsets(group: GroupMetadata, positions: readonly OffsetPosition[]): Promise<void>
  /** Ends the transaction. Never throws for a lost reply: that is `unknown`. Nothing sent and no offsets: `committed` at once. */
  commit(): Promise<CommitOutcome>
  /** Ends the transaction without effect and takes a new epoch; unlike `init` it refuses when another owner has taken the id. */
  abort(): Promise<void>
  close(): Promise<void>
}

/** Reads logs without a group; one independent fetch loop per instance. Read-committed unless told. */
export interface LogReader {
  /** Sets (replaces) the partitions read and the position of each. Buffered records of others are dropped. */
  assign(positions: readonly OffsetPosition[]): void
  /** Adds partitions to what is read, leaving the others and their buffers alone. */
  add(positions: readonly OffsetPosition[]): void
  remove(partitions: readonly TopicPartition[]): void
  pause(partitions: readonly TopicPartition[]): void
  resume(partitions: readonly TopicPartition[]): void
  /**
   * The next records, at most `maxRecords`, in offset order per partition; waits up to `maxWaitMs` for the first.
   * An empty array when none came. Rejects with `SLUICE_KAFKA_OFFSET_OUT_OF_RANGE` naming topic, partition and offset.
   */
  poll(maxRecords: number, maxWaitMs: number): Promise<ConsumedRecord[]>
  /** The next offset that `poll` would return for a partition; passes control records and aborted ones. */
  position(partition: TopicPartition): number | undefined
  /** End of what a read-committed reader can see (last stable offset) as of the last fetch, for lag. */
  endOffset(partition: TopicPartition): number | undefined
  close(): Promise<void>
}

/** What a member tells the others when it joins, and what the leader tells each member. Opaque bytes to the broker. */
export interface JoiningMember {
  readonly memberId: string
  readonly topics: readonly string[]
  readonly userData: Buffer
}

export interface MemberAssignment {
  readonly memberId: string
  readonly partitions: readonly TopicPartition[]
  readonly userData: Buffer
}

/** Chosen by the group's leader; pure but for the metadata it is given. */
export type Assign = (
  members: readonly JoiningMember[],
) => Promise<readonly MemberAssignment[]> | readonly MemberAssignment[]

export interface GroupJoin {
  readonly metadata: GroupMetadata
  readonly isLeader: boolean
  readonly partitions: readonly TopicPartition[]
  readonly userData: Buffer
}

/**
 * Membership of one consumer group over the classic protocol, without reading anything. The caller decides when to join:
 * `join` runs JoinGroup + SyncGroup; heartbeats go on in between; `onRebalance` says that the group wants a new join.
 */
export interface GroupMember {
  /**
   * The current generation, for offset commits; undefined before the first join and after a loss. While a join waits for the other
   * members it is the former generation, with which the broker takes commits until the new one begins.
   */
  metadata(): GroupMetadata | undefined
  /**
   * Joins or rejoins; `userData` is asked each time the group is told. Retries what is transient.
   * Errors: SLUICE_KAFKA_MEMBERSHIP_LOST when the group has dropped this member meanwhile (`lost` was called; join again with what is
   * true then), SLUICE_KAFKA_INSTANCE_FENCED when another process has taken the group instance id, SLUICE_KAFKA_PROTOCOL_DIFFERS
   * when living members speak another protocol (their names in `details`).
   */
  join(userData: () => Buffer): Promise<GroupJoin>
  /**
   * Called once each time the coordinator asks for a rebalance, or when it says that this member is none any more (`lost`: its
   * partitions may belong to others). A coordinator that is silent says neither.
   */
  onRebalance(listener: (reason: 'rebalance' | 'lost') => void): void
  /** Leaves at once, a static member too: what it had goes to the others without waiting for its session. */
  leave(): Promise<void>
}

export interface TopicDescription {
  readonly name: string
  readonly partitions: number
}

export interface TopicSpec {
  readonly name: string
  readonly partitions: number
  readonly replicas?: number
  readonly config?: Readonly<Record<string, string>>
}

/** Everything else the project asks of a cluster. */
export interface KafkaAdmin {
  describeTopics(names: readonly string[]): Promise<TopicDescription[]>
  listTopics(): Promise<string[]>
  /** Creates what is missing and waits until it has leaders; an existing topic with another partition count rejects. */
  ensureTopics(specs: readonly TopicSpec[]): Promise<void>
  deleteTopics(names: readonly string[]): Promise<void>
  /** The value in force of one setting (`max.message.bytes`) of each topic. */
  topicSetting(names: readonly string[], setting: string): Promise<ReadonlyMap<string, string>>
  /** First and end offsets; `end` is the last stable offset under `read_committed`. */
  listOffsets(
    partitions: readonly TopicPartition[],
    at: 'earliest' | 'latest-committed' | 'latest',
  ): Promise<OffsetPosition[]>
  /** The first offset whose record, or marker, is of this time (milliseconds since the epoch) or later; the end where none is. */
  offsetsAt(partitions: readonly TopicPartition[], timestampMs: number): Promise<OffsetPosition[]>
  /** Committed offsets with requireStable (waits out pending transactions up to `timeoutMs`); offset -1 where none. */
  committedOffsets(
    groupId: string,
    partitions: readonly TopicPartition[],
    timeoutMs?: number,
  ): Promise<OffsetPosition[]>
  /** As they are now, with transactions pending: tells who committed last, never where to read on. */
  unstableOffsets(groupId: string, partitions: readonly TopicPartition[]): Promise<OffsetPosition[]>
  /** Plain offset commit for at-least-once; the generation is checked by the broker. */
  commitOffsets(group: GroupMetadata, positions: readonly OffsetPosition[]): Promise<void>
  /** Forgets a group's offsets; one that does not exist is forgotten already. Rejects while it has members. */
  deleteGroup(groupId: string): Promise<void>
  /** Members of a group now; 0 for one that does not exist. */
  memberCount(groupId: string): Promise<number>
  /** Fences another owner's transactional id and ends its open transaction. */
  fenceProducer(transactionalId: string): Promise<void>
  close(): Promise<void>
}

/** The one way into Kafka; `connectKafka` in platformatic.ts is its only maker. */
export interface Kafka {
  admin(): KafkaAdmin
  reader(options?: {
    readonly isolation?: 'read_committed' | 'read_uncommitted'
    readonly maxBytes?: number
    /**
     * Gives everything up to the high watermark, aborted records and the broker's markers included, each with its `transaction`.
     * A marker's timestamp is the broker's time of the commit. `isolation` means nothing then.
     */
    readonly transactions?: boolean
  }): LogReader
  transactionalProducer(
    transactionalId: string,
    options?: { readonly transactionTimeoutMs?: number },
  ): TransactionalProducer
  groupMember(options: {
    readonly groupId: string
    readonly topics: readonly string[]
    readonly assign: Assign
    readonly protocolName: string
    readonly groupInstanceId?: string
    readonly sessionTimeoutMs?: number
    readonly rebalanceTimeoutMs?: number
    readonly heartbeatIntervalMs?: number
  }): GroupMember
  close(): Promise<void>
}
