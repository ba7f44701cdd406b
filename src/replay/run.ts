import { AvroCodecs } from '../codec/avro-codecs.ts'
import type { SchemaRegistry } from '../codec/registry.ts'
import type { Clock } from '../core/clock.ts'
import type { CrashPoints } from '../core/crash-points.ts'
import { SluiceError } from '../core/errors.ts'
import type { Logger } from '../core/log.ts'
import type { Kafka, KafkaAdmin, OffsetPosition, TopicPartition } from '../kafka/types.ts'
import type { Topology } from '../streams/dsl/graph.ts'
import type { EffectHandlers } from '../streams/runtime/effects.ts'
import { internalTopicSpecs, withRepartitionCounts } from '../streams/runtime/task-plan.ts'
import { StreamWorker } from '../streams/runtime/worker.ts'
import { createPace, type Pace } from './pace.ts'
import type { ReplayPlan } from './plan.ts'
import { requireRegistered } from './registered.ts'
import { inputsOf, topicCounterparts } from './shadow-topology.ts'
import { readStanding, type ReplayPartitions } from './standing.ts'

export interface ReplayOptions {
  readonly plan: ReplayPlan
  /** From `shadowTopology`, whose names have been looked at by `requireOwnNames`. */
  readonly shadow: Topology
  readonly kafka: Kafka
  readonly registry: SchemaRegistry
  /** Bound to shadow targets. */
  readonly effects: EffectHandlers
  readonly clock: Clock
  readonly log: Logger
  /** Unlike that of any other process that runs this replay. */
  readonly instanceId: string
  readonly signal: AbortSignal
  readonly maxRecordsPerSecond?: number | undefined
  readonly sessionTimeoutMs?: number | undefined
  readonly crash?: CrashPoints | undefined
  readonly onPace?: (pace: Pace) => void
}

/** What one run of a replay has done. */
export interface ReplayReport {
  /** False where it was stopped before its end. */
  readonly isEnded: boolean
  /** Read by this process, in all topics. */
  readonly records: number
  readonly deadLetters: number
  readonly durationMs: number
  /** Up to where it has read or is to read, in each live partition. */
  readonly ends: readonly OffsetPosition[]
}

const watchIntervalMs = 200

/** Every partition of some topics. */
export const partitionsOf = async (
  admin: KafkaAdmin,
  topics: readonly string[],
): Promise<readonly TopicPartition[]> =>
  (await admin.describeTopics(topics)).flatMap(({ name, partitions }) =>
    Array.from({ length: partitions }, (_, partition) => ({ topic: name, partition })),
  )

/**
 * Runs a replay until it has read what was committed on its live topics when this was called, and everything that it made of it.
 * The real engine runs it, under the shadow's own application id: killed at any moment and called again, it goes on where its last
 * commit left it. Called again after its end, it catches up with what has come since. Several processes share the work.
 *
 * Errors: those of `StreamWorker.run`, and SLUICE_REPLAY_SCHEMA_UNREGISTERED.
 */
export const runReplay = async (options: ReplayOptions): Promise<ReplayReport> => {
  const { plan, shadow, kafka, registry, clock, signal } = options
  await requireRegistered(shadow, registry)
  const admin = kafka.admin()
  try {
    await createOwnTopics(admin, shadow)
    const { live, own } = inputsOf(shadow)
    const partitions = { live: await partitionsOf(admin, live), own: await partitionsOf(admin, own) }
    const ends = await admin.listOffsets(partitions.live, 'latest-committed')
    await beginGroup(admin, plan)
    const begunAtMs = clock.now()
    const worker = createWorker(options, ends)
    const ended = new AbortController()
    const running = worker.run(AbortSignal.any([signal, ended.signal]))
    const watching = watch(admin, options, partitions, ends, ended.signal)
    try {
      const isEnded = await Promise.race([watching, running.then(() => false)])
      ended.abort()
      await running
      const { records, deadLetters } = worker.status()
      return { isEnded, records, deadLetters, durationMs: clock.now() - begunAtMs, ends }
    } finally {
      ended.abort()
      await Promise.allSettled([running, watching])
    }
  } finally {
    await admin.close()
  }
}

const createWorker = (options: ReplayOptions, ends: readonly OffsetPosition[]): StreamWorker => {
  const { shadow, kafka, registry, effects, clock, log, instanceId, sessionTimeoutMs, crash } = options
  return new StreamWorker({
    topology: shadow,
    kafka,
    codecs: new AvroCodecs(registry),
    effects,
    clock,
    log,
    instanceId,
    sessionTimeoutMs,
    crash,
    input: {
      ends,
      maxRecordsPerSecond: options.maxRecordsPerSecond,
      // Behind topics of its own, partitions meet again: what was earlier live must not come later.
      isTimeAligned: inputsOf(shadow).own.length > 0,
    },
  })
}

/** True when the end is reached; false when told to stop. */
const watch = async (
  admin: KafkaAdmin,
  { shadow, plan, clock, onPace }: ReplayOptions,
  partitions: ReplayPartitions,
  ends: readonly OffsetPosition[],
  stop: AbortSignal,
): Promise<boolean> => {
  const paceOf = createPace()
  while (!stop.aborted) {
    const standing = await readStanding(admin, shadow.name, partitions, { starts: plan.starts, ends })
    onPace?.(paceOf(standing, clock.now()))
    if (standing.isEnded) return true
    await clock.sleep(watchIntervalMs, stop).catch(() => {})
  }
  return false
}

// As many partitions as live: a key must come to lie where it lies there. What the worker would create itself is created, too, since
// it is watched from the beginning.
const createOwnTopics = async (admin: KafkaAdmin, shadow: Topology): Promise<void> => {
  const counterparts = topicCounterparts(shadow)
  const read = inputsOf(shadow).live
  const described = await admin.describeTopics([...counterparts.map(({ live }) => live), ...read])
  const liveCounts = new Map(described.map(({ name, partitions }) => [name, partitions]))
  const own = counterparts.map(counterpart => ({
    name: counterpart.shadow,
    partitions: liveCounts.get(counterpart.live) ?? 1,
    config: { 'retention.ms': '-1' },
  }))
  const counts = new Map([...liveCounts, ...own.map(({ name, partitions }) => [name, partitions] as const)])
  await admin.ensureTopics([...own, ...internalTopicSpecs(shadow, withRepartitionCounts(shadow, counts))])
}

// Only where nothing is committed: a replay that has begun goes on where it was.
const beginGroup = async (admin: KafkaAdmin, { shadow, starts }: ReplayPlan): Promise<void> => {
  const late = starts.filter(({ offset }) => offset > 0)
  const committed = await admin.committedOffsets(shadow, late)
  const fresh = late.filter((_, index) => (committed[index]?.offset ?? -1) < 0)
  const nobody = { groupId: shadow, memberId: '', generationId: -1, groupInstanceId: null }
  try {
    await admin.commitOffsets(nobody, fresh)
  } catch (error) {
    // Another process has begun it in this moment, and it began by this, too.
    if (!(error instanceof SluiceError) || error.code !== 'SLUICE_KAFKA_MEMBERSHIP_LOST') throw error
  }
}
