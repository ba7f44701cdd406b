import { messageOf, SluiceError } from '../../core/errors.ts'
import { brokerMaxMessageBytes } from '../../kafka/batch-size.ts'
import type {
  GroupJoin,
  GroupMetadata,
  KafkaAdmin,
  LogReader,
  TransactionalProducer,
} from '../../kafka/types.ts'
import type { BoundFormats } from '../engine/bound-formats.ts'
import { Task } from '../engine/task.ts'
import { decodeAssignmentData, encodeMemberData, noOwners } from './group-protocol.ts'
import { membershipLost, type Membership } from './membership.ts'
import { OwnedTasks, type ReadyTask } from './owned-tasks.ts'
import { committedPositions, restoreTask } from './restore.ts'
import { isTransient, type Retry } from './retry.ts'
import type { PartitionCounts, PlannedTask } from './task-plan.ts'
import { TurnLoop } from './turn-loop.ts'
import type { WorkerOptions, WorkerState } from './worker.ts'

/** What a worker has prepared before it takes its first task. */
export interface SessionParts {
  readonly options: WorkerOptions
  readonly transactionalId: string
  readonly plan: readonly PlannedTask[]
  readonly counts: PartitionCounts
  /** `max.message.bytes` of the topics that are written, by their names on the broker. */
  readonly messageLimits: ReadonlyMap<string, number>
  readonly formats: BoundFormats
  readonly reader: LogReader
  readonly producer: TransactionalProducer
  readonly membership: Membership
  readonly admin: KafkaAdmin
  readonly retry: Retry
  readonly signal: AbortSignal
}

const idlePollMs = 100
const firstRecoveryPauseMs = 50
const longestRecoveryPauseMs = 2_000

/**
 * The main loop of a worker: join when the group wants it, take over and give up tasks, turn by turn until stopped. Joining and
 * restoring run beside it; only the commit of a turn waits for the generation in force.
 */
export class WorkerSession {
  readonly tasks: OwnedTasks
  readonly turns: TurnLoop
  readonly #parts: SessionParts
  readonly #planned: ReadonlyMap<string, PlannedTask>
  #owners = noOwners
  #joinedOnce = false
  #recoveries = 0
  #commitsAtRecovery = -1
  #isDroppingAll = false
  #restored = 0

  constructor(parts: SessionParts) {
    const { options, producer, reader, retry } = parts
    this.#parts = parts
    this.#planned = new Map(parts.plan.map(planned => [planned.id, planned]))
    this.tasks = new OwnedTasks(options.log)
    parts.membership.onWanted(() => this.#startJoin())
    this.turns = new TurnLoop({
      admin: parts.admin,
      producer,
      reader,
      codecs: options.codecs,
      groupId: options.topology.name,
      tasks: this.tasks,
      effects: options.effects ?? {},
      membership: () => this.#generation(),
      clock: options.clock,
      retry,
      log: options.log,
      commitIntervalMs: options.commitIntervalMs ?? 100,
      maxTurnRecords: options.maxTurnRecords ?? 5_000,
      crash: options.crash,
    })
  }

  get state(): WorkerState {
    return !this.#joinedOnce || this.#parts.membership.isJoining || this.tasks.restoringCount > 0
      ? 'rebalancing'
      : 'running'
  }

  get restoredRecords(): number {
    return this.#restored
  }

  /** Until the signal aborts; then the open turn is committed and what is owned is left to others. */
  async run(): Promise<void> {
    const { signal } = this.#parts
    while (!signal.aborted) {
      try {
        await this.#step()
      } catch (error) {
        if (signal.aborted || !isTransient(error)) throw error
        await this.#recover(error)
      }
    }
    await this.turns.endTurn()
    await this.turns.settled()
  }

  /** `patience` bounds the wait for a commit and for restores under way. */
  async close(patience: Promise<void>): Promise<void> {
    await Promise.race([Promise.all([this.turns.settled(), this.tasks.close()]), patience])
  }

  async #step(): Promise<void> {
    const { membership, reader } = this.#parts
    if (membership.takeLost()) await this.#dropAll()
    if (membership.wantsJoin) this.#startJoin()
    const joined = membership.takeJoin()
    if (joined !== undefined) await this.#apply(joined)
    reader.add(this.tasks.takeReady().flatMap(({ positions }) => positions))
    if (this.turns.mustRecover) await this.#recover(undefined)

    const records = await reader.poll(1_000, this.turns.isEmpty ? idlePollMs : 0)
    if (records.length > 0) await this.turns.push(records)
    if (records.length === 0 || this.turns.isFull) await this.turns.endTurn()
  }

  #startJoin(): void {
    const { membership, transactionalId } = this.#parts
    membership.startJoin(encodeMemberData({ transactionalId, owned: this.tasks.ids(), owners: this.#owners }))
  }

  async #generation(): Promise<GroupMetadata> {
    const { membership } = this.#parts
    // A generation joined after the loss must not commit what was read before it: its tasks may have new owners.
    if (this.#isDroppingAll) throw membershipLost()
    if (membership.wantsJoin) this.#startJoin()
    const generation = await membership.current()
    if (this.#isDroppingAll) throw membershipLost()
    return generation
  }

  async #apply(joined: GroupJoin): Promise<void> {
    const { membership, options } = this.#parts
    const assignment = decodeAssignmentData(joined.userData)
    if (assignment.isDuplicate) throw instanceTaken(this.#parts.transactionalId)
    this.#owners = assignment.owners
    this.#joinedOnce = true
    const owned = new Set(this.tasks.ids())
    const assigned = new Set(assignment.tasks)
    const revoked = [...owned].filter(id => !assigned.has(id))
    const added = assignment.tasks.filter(id => !owned.has(id))
    options.log.info(
      { topology: options.topology.name, added, revoked, generation: joined.metadata.generationId },
      'tasks assigned',
    )
    for (const id of added) this.#take(id, assignment.fence[id])
    if (revoked.length > 0) {
      options.crash?.('rebalance.before-revoke')
      // Committed before the next join: only that join lets others have them.
      await this.turns.endTurn()
      await this.turns.settled()
      if (this.turns.mustRecover) await this.#recover(undefined)
      this.#parts.reader.remove(this.tasks.drop(revoked))
      options.crash?.('rebalance.after-revoke')
      membership.requestJoin()
    }
  }

  #take(id: string, fence: string | undefined): void {
    const { options, formats, counts, messageLimits, retry, transactionalId, admin } = this.#parts
    const planned = this.#planned.get(id) as PlannedTask
    this.tasks.restore(planned, signal =>
      retry(`restoring task ${id}`, async (): Promise<ReadyTask> => {
        signal.throwIfAborted()
        const task = new Task({
          topology: options.topology,
          subTopology: planned.subTopology,
          partition: planned.partition,
          formats,
          partitionCount: topic => counts.get(topic) ?? 1,
          maxMessageBytes: topic => messageLimits.get(topic) ?? brokerMaxMessageBytes,
          clock: options.clock,
        })
        const positions = await restoreTask(task, planned, {
          kafka: options.kafka,
          admin,
          groupId: options.topology.name,
          formats,
          codecs: options.codecs,
          signal,
          fence: fence === transactionalId ? undefined : fence,
          crash: options.crash,
          onRestored: records => {
            this.#restored += records
          },
        })
        return { task, planned, positions }
      }),
    )
  }

  // Forget what is not committed, take a new producer epoch, read again from the committed offsets. No state is read again.
  async #recover(cause: unknown): Promise<void> {
    const { options, producer, reader, retry, admin } = this.#parts
    const error = (await this.turns.forget()) ?? cause
    if (error !== undefined && !isTransient(error)) throw error
    // Without a commit in between, the same thing is likely to happen again.
    const { commits } = this.turns.counts
    this.#recoveries = commits === this.#commitsAtRecovery ? this.#recoveries + 1 : 0
    this.#commitsAtRecovery = commits
    options.log.warn(
      { topology: options.topology.name, error: error === undefined ? 'aborted' : messageOf(error) },
      'turn forgotten',
    )
    if (this.#recoveries > 0) {
      const pauseMs = firstRecoveryPauseMs * 2 ** Math.min(this.#recoveries, 10)
      await options.clock.sleep(Math.min(pauseMs, longestRecoveryPauseMs), this.#parts.signal)
    }
    await retry('taking a new producer epoch', () => producer.init())
    const inputs = this.tasks.active().flatMap(({ planned }) => planned.inputs)
    const positions = await retry('reading committed offsets', () =>
      committedPositions(admin, options.topology.name, inputs),
    )
    reader.assign(positions)
  }

  async #dropAll(): Promise<void> {
    const { options, producer, reader, retry, membership } = this.#parts
    options.log.warn({ topology: options.topology.name }, 'membership lost; all tasks dropped')
    this.#isDroppingAll = true
    await this.turns.forget()
    await retry('taking a new producer epoch', () => producer.init())
    this.tasks.drop(this.tasks.ids())
    reader.assign([])
    await membership.discardJoin()
    this.#isDroppingAll = false
  }
}

const instanceTaken = (transactionalId: string): SluiceError =>
  new SluiceError({
    code: 'SLUICE_STREAMS_INSTANCE_TAKEN',
    message: `another worker of the group has the transactional id ${transactionalId}, too`,
    remedy:
      'give each worker an instance id of its own: with the same one they would fence each other for ever',
    details: { transactionalId },
  })

/** A worker that stopped although nobody asked it to. */
export const stoppedByError = (topology: string, cause: unknown): SluiceError =>
  cause instanceof SluiceError
    ? cause
    : new SluiceError({
        code: 'SLUICE_STREAMS_WORKER_FAILED',
        message: `the worker of ${topology} failed: ${messageOf(cause)}`,
        remedy: 'read the cause, then start the worker again: nothing of its open turn was committed',
        cause,
      })
