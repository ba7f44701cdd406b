import type { AvroCodecs } from '../../codec/avro-codecs.ts'
import type { Clock } from '../../core/clock.ts'
import type { CrashPoints } from '../../core/crash-points.ts'
import { messageOf, SluiceError } from '../../core/errors.ts'
import type { Logger } from '../../core/log.ts'
import type { GroupMember, Kafka, KafkaAdmin } from '../../kafka/types.ts'
import { brokerTopicName, type Topology } from '../dsl/graph.ts'
import { externalTopics } from '../dsl/topology.ts'
import { bindFormats } from '../engine/bound-formats.ts'
import { limitedReader, type InputLimits } from './input-limits.ts'
import { requireHandlers, type EffectHandlers } from './effects.ts'
import { taskAssignor } from './group-protocol.ts'
import { deadLetterTopicSpecs, messageLimitsOf } from './dead-letter-topics.ts'
import { Membership } from './membership.ts'
import { planHash } from './plan-hash.ts'
import { retrying } from './retry.ts'
import {
  internalTopicSpecs,
  planTasks,
  withRepartitionCounts,
  type PartitionCounts,
  type PlannedTask,
} from './task-plan.ts'
import { WorkerSession } from './worker-session.ts'

export interface WorkerOptions {
  readonly topology: Topology
  readonly kafka: Kafka
  readonly codecs: AvroCodecs
  readonly effects?: EffectHandlers
  readonly clock: Clock
  readonly log: Logger
  /**
   * Unlike that of any other living worker. Stable over restarts, if it can be: a worker that is started again takes its dead
   * predecessor's tasks at once, without waiting for its session, and ends its transaction. Of two that live, the older one ends.
   */
  readonly instanceId: string
  /** A turn takes records for at most this long before it commits. Default 100. */
  readonly commitIntervalMs?: number
  /** Default 5,000. */
  readonly maxTurnRecords?: number
  /**
   * Default 6,000; a worker that was killed and does not come back is missed after this, and an event loop must not stand still for
   * as long. Not below the brokers' group.min.session.timeout.ms (their default is 6,000).
   */
  readonly sessionTimeoutMs?: number | undefined
  /** Default 30,000. */
  readonly transactionTimeoutMs?: number
  /** Where to stop reading, and how fast to read. Default: never, and as fast as possible. */
  readonly input?: InputLimits
  /** Replication factor of internal topics. Default: the broker's. */
  readonly replicas?: number
  readonly crash?: CrashPoints | undefined
}

/** What a worker does now. `rebalancing` includes restoring: kept tasks go on meanwhile. */
export type WorkerState = 'starting' | 'rebalancing' | 'running' | 'stopped'

export interface WorkerStatus {
  readonly topology: string
  readonly state: WorkerState
  readonly tasks: readonly string[]
  readonly restoring: number
  /** Since the start. */
  readonly records: number
  readonly commits: number
  readonly forgottenTurns: number
  readonly restoredRecords: number
  /** Records parked in the dead letter topic. */
  readonly deadLetters: number
  /** Records that failed and were skipped. */
  readonly skipped: number
}

/** What the broker says of the topics that are read and written. */
interface PreparedTopics {
  readonly counts: PartitionCounts
  readonly messageLimits: ReadonlyMap<string, number>
}

const protocolPrefix = 'sluice-'
const defaultSessionTimeoutMs = 6_000
// A stop must end before whoever asked for it loses patience.
const closePatienceMs = 4_000
// Ending a dead member's transaction takes milliseconds; the group's assignment must not wait for a coordinator that is away.
const fencePatienceMs = 2_000

/**
 * Runs the tasks of one topology that the consumer group gives it, with exactly-once semantics (Kafka Streams' exactly_once_v2),
 * until told to stop.
 *
 * @example await new StreamWorker({ topology: orders, kafka, codecs, clock, log, instanceId: 'worker-1' }).run(signal)
 */
export class StreamWorker {
  readonly #options: WorkerOptions
  #session: WorkerSession | undefined
  #stopped = false

  constructor(options: WorkerOptions) {
    this.#options = options
  }

  status(): WorkerStatus {
    const session = this.#session
    return {
      topology: this.#options.topology.name,
      state: this.#stopped ? 'stopped' : (session?.state ?? 'starting'),
      tasks: session?.tasks.ids().toSorted() ?? [],
      restoring: session?.tasks.restoringCount ?? 0,
      records: session?.turns.counts.records ?? 0,
      commits: session?.turns.counts.commits ?? 0,
      forgottenTurns: session?.turns.counts.forgotten ?? 0,
      restoredRecords: session?.restoredRecords ?? 0,
      deadLetters: session?.turns.counts.deadLetters ?? 0,
      skipped: session?.turns.counts.skipped ?? 0,
    }
  }

  /** Resolves after a graceful stop; rejects with the first error that does not pass by itself, nothing of its turn committed. */
  async run(signal: AbortSignal): Promise<void> {
    const { topology, kafka, codecs, clock, log, instanceId } = this.#options
    const retry = retrying(clock, log, signal)
    const transactionalId = `${topology.name}-${instanceId}-0`
    const closers: (() => Promise<void>)[] = []
    const closed = new AbortController()
    let patience: Promise<void> | undefined
    const untilImpatient = (): Promise<void> =>
      (patience ??= clock.sleep(closePatienceMs, closed.signal).catch(() => {}))
    try {
      requireHandlers(topology, this.#options.effects ?? {})
      const admin = kafka.admin()
      closers.push(() => admin.close())
      const { counts, messageLimits } = await retry('preparing topics', () => this.#prepareTopics(admin))
      const formats = await retry('registering schemas', () => bindFormats(topology, codecs))
      const plan = planTasks(topology, counts)
      const producer = kafka.transactionalProducer(transactionalId, {
        transactionTimeoutMs: this.#options.transactionTimeoutMs ?? 30_000,
      })
      closers.push(() => producer.close())
      const reader = limitedReader(kafka.reader(), this.#options.input ?? {}, clock)
      closers.push(() => reader.close())
      const membership = new Membership(this.#member(plan, admin))
      closers.push(() => membership.leave(untilImpatient))
      const session = new WorkerSession({
        options: this.#options,
        transactionalId,
        plan,
        counts,
        messageLimits,
        formats,
        reader,
        producer,
        membership,
        admin,
        retry,
        signal,
        patience: untilImpatient,
      })
      this.#session = session
      closers.push(() => session.close())
      await session.run()
    } catch (error) {
      if (!signal.aborted) throw stoppedByError(topology.name, error)
    } finally {
      for (const close of closers.toReversed()) {
        await close().catch((error: unknown) => log.warn({ error: messageOf(error) }, 'closing failed'))
      }
      closed.abort()
      this.#stopped = true
    }
  }

  async #prepareTopics(admin: KafkaAdmin): Promise<PreparedTopics> {
    const { topology, replicas } = this.#options
    const externalNames = externalTopics(topology).map(({ name }) => brokerTopicName(topology, name))
    const described = await admin.describeTopics(externalNames)
    const counts = withRepartitionCounts(
      topology,
      new Map(described.map(({ name, partitions }) => [name, partitions])),
    )
    const sourceLimits = await messageLimitsOf(admin, externalNames)
    const internal = [
      ...internalTopicSpecs(topology, counts),
      ...deadLetterTopicSpecs(topology, counts, sourceLimits),
    ]
    await admin.ensureTopics(internal.map(spec => (replicas === undefined ? spec : { ...spec, replicas })))
    const internalNames = internal.map(({ name }) => name)
    return {
      counts,
      messageLimits: new Map([...sourceLimits, ...(await messageLimitsOf(admin, internalNames))]),
    }
  }

  #member(plan: readonly PlannedTask[], admin: KafkaAdmin): GroupMember {
    const { topology, kafka, instanceId, sessionTimeoutMs = defaultSessionTimeoutMs } = this.#options
    return kafka.groupMember({
      groupId: topology.name,
      groupInstanceId: instanceId,
      topics: [...new Set(plan.flatMap(({ inputs }) => inputs.map(({ topic }) => topic)))],
      // The group takes only members with one protocol: so a worker with another graph is refused by the broker itself.
      protocolName: `${protocolPrefix}${planHash(topology, plan)}`,
      assign: taskAssignor(plan, gone => this.#fence(gone, admin)),
      sessionTimeoutMs,
      heartbeatIntervalMs: Math.floor(sessionTimeoutMs / 10),
      rebalanceTimeoutMs: 60_000,
    })
  }

  async #fence(transactionalIds: readonly string[], admin: KafkaAdmin): Promise<void> {
    const { clock, log, crash } = this.#options
    const done = new AbortController()
    const fencing = transactionalIds.map(id =>
      admin.fenceProducer(id).catch((error: unknown) => {
        log.warn({ transactionalId: id, error: messageOf(error) }, 'a member that has gone was not fenced')
      }),
    )
    await Promise.race([Promise.all(fencing), clock.sleep(fencePatienceMs, done.signal).catch(() => {})])
    done.abort()
    crash?.('restore.after-fence')
  }
}

/** Why a worker stopped although nobody asked it to. */
const stoppedByError = (topology: string, cause: unknown): SluiceError => {
  if (!(cause instanceof SluiceError)) {
    return new SluiceError({
      code: 'SLUICE_STREAMS_WORKER_FAILED',
      message: `the worker of ${topology} failed: ${messageOf(cause)}`,
      remedy: 'read the cause, then start the worker again: nothing of its open turn was committed',
      cause,
    })
  }
  return cause.code === 'SLUICE_KAFKA_PROTOCOL_DIFFERS' ? otherTopology(topology, cause) : cause
}

const otherTopology = (topology: string, cause: SluiceError): SluiceError => {
  const hashOf = (name: string): string => {
    const protocol = cause.details[name]
    return typeof protocol === 'string' && protocol !== ''
      ? protocol.replace(protocolPrefix, '')
      : 'another one'
  }
  const [mine, theirs] = [hashOf('protocol'), hashOf('running')]
  return new SluiceError({
    code: 'SLUICE_STREAMS_TOPOLOGY_DIFFERS',
    message: `this worker's graph of ${topology} is ${mine}, that of the workers already running is ${theirs}: their tasks do not mean the same`,
    remedy:
      'stop all workers with the old graph, then start those with the new one; or give the changed topology a name of its own',
    details: { topology, mine, theirs },
    cause,
  })
}
