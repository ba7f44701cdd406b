import { messageOf } from '../../core/errors.ts'
import { brokerMaxMessageBytes } from '../../kafka/batch-size.ts'
import type { GroupJoin, KafkaAdmin, LogReader, TransactionalProducer } from '../../kafka/types.ts'
import type { BoundFormats } from '../engine/bound-formats.ts'
import { Task } from '../engine/task.ts'
import { CommitMarks } from './commit-marks.ts'
import { decodeAssignmentData, encodeMemberData } from './group-protocol.ts'
import type { Membership } from './membership.ts'
import { OwnedTasks } from './owned-tasks.ts'
import { isTransient, type Retry } from './retry.ts'
import { committedPositions, takeOver } from './take-over.ts'
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
  /** Ends when whoever asked for a stop should not be kept waiting any longer. */
  readonly patience: () => Promise<void>
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
  readonly #marks: CommitMarks
  /** Tasks as they were when membership was lost: nobody may have changed them since. */
  #held = new Map<string, Task>()
  #living: readonly string[] = []
  #hasEpoch = false
  #joinedOnce = false
  #recoveries = 0
  #commitsAtRecovery = -1
  #restored = 0

  constructor(parts: SessionParts) {
    const { options, producer, reader, retry, membership } = parts
    this.#parts = parts
    this.#planned = new Map(parts.plan.map(planned => [planned.id, planned]))
    this.#marks = new CommitMarks(parts.transactionalId)
    this.tasks = new OwnedTasks(options.log)
    this.turns = new TurnLoop({
      admin: parts.admin,
      producer,
      reader,
      codecs: options.codecs,
      groupId: options.topology.name,
      tasks: this.tasks,
      effects: options.effects ?? {},
      membership,
      marks: this.#marks,
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

  /** Until the signal aborts; then the open turn is committed, if that is possible soon, and what is owned is left to others. */
  async run(): Promise<void> {
    const { signal, membership, patience } = this.#parts
    membership.begin(() => this.#memberData())
    while (!signal.aborted) {
      try {
        await this.#step()
      } catch (error) {
        if (signal.aborted || !isTransient(error)) throw error
        await this.#recover(error)
      }
    }
    await Promise.race([this.#finish(), patience()])
  }

  async close(): Promise<void> {
    await Promise.race([Promise.all([this.turns.settled(), this.tasks.close()]), this.#parts.patience()])
  }

  async #finish(): Promise<void> {
    await this.turns.endTurn()
    await this.turns.settled()
  }

  async #step(): Promise<void> {
    const { membership, reader } = this.#parts
    if (membership.isLost) await this.#hold()
    membership.joinIfWanted()
    const joined = membership.takeJoin()
    if (joined !== undefined) await this.#apply(joined)
    const ready = this.tasks.takeReady()
    reader.add(ready.flatMap(({ positions }) => positions))
    // Before a new task writes anything its offsets are committed under this worker's name: should it die, and all that have seen
    // it, its successor still knows whose transaction to end.
    if (ready.length > 0) await this.#finish()
    if (this.turns.mustRecover) await this.#recover(undefined)

    const records = await reader.poll(1_000, this.turns.isEmpty ? idlePollMs : 0)
    if (records.length > 0) await this.turns.push(records)
    if (records.length === 0 || this.turns.isFull) await this.turns.endTurn()
  }

  #memberData(): Buffer {
    const { membership, transactionalId } = this.#parts
    return encodeMemberData({
      transactionalId,
      generation: membership.generation,
      owned: this.tasks.ids(),
      held: [...this.#held.keys()],
      living: this.#living,
    })
  }

  async #apply(joined: GroupJoin): Promise<void> {
    const { membership, options, producer, retry } = this.#parts
    // Not before the group has accepted this worker: an instance that another process has replaced must not take the id back.
    if (!this.#hasEpoch) await retry('taking a producer epoch', () => producer.init())
    this.#hasEpoch = true
    const assignment = decodeAssignmentData(joined.userData)
    this.#living = assignment.living
    this.#joinedOnce = true
    const owned = new Set(this.tasks.ids())
    const assigned = new Set(assignment.tasks)
    const revoked = [...owned].filter(id => !assigned.has(id))
    const added = assignment.tasks.filter(id => !owned.has(id))
    options.log.info(
      { topology: options.topology.name, added, revoked, generation: joined.metadata.generationId },
      'tasks assigned',
    )
    for (const id of added) this.#take(id, this.#held.get(id))
    this.#held.clear()
    if (revoked.length > 0) {
      options.crash?.('rebalance.before-revoke')
      // Committed before the next join: only that join lets others have them.
      await this.#finish()
      if (this.turns.mustRecover) await this.#recover(undefined)
      this.#parts.reader.remove(this.tasks.drop(revoked))
      options.crash?.('rebalance.after-revoke')
    }
    // Also by one that was restarted in the middle of letting go: the others wait for its word.
    if (assignment.revoked.length > 0) membership.requestJoin()
  }

  #take(id: string, held: Task | undefined): void {
    const { options, formats, counts, messageLimits, retry, admin } = this.#parts
    const { topology, kafka, codecs, clock } = options
    const planned = this.#planned.get(id) as PlannedTask
    const { subTopology, partition } = planned
    const partitionCount = (topic: string): number => counts.get(topic) ?? 1
    const maxMessageBytes = (topic: string): number => messageLimits.get(topic) ?? brokerMaxMessageBytes
    const living = this.#living
    this.tasks.restore(planned, signal =>
      retry(`restoring task ${id}`, () =>
        takeOver(planned, {
          kafka,
          admin,
          groupId: topology.name,
          formats,
          codecs,
          signal,
          living,
          held,
          marks: this.#marks,
          crash: options.crash,
          newTask: () =>
            new Task({ topology, subTopology, partition, formats, partitionCount, maxMessageBytes, clock }),
          onRestored: records => {
            this.#restored += records
          },
        }),
      ),
    )
  }

  // Forget what is not committed, take a new producer epoch, read again from the committed offsets. No state is read again.
  async #recover(cause: unknown): Promise<void> {
    const { options, producer, reader, retry, admin } = this.#parts
    const error = (await this.turns.forget()) ?? cause
    if (error !== undefined && !isTransient(error)) throw error
    // The next step lets go of everything.
    if (this.#parts.membership.isLost) return
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
    // What was taken over and not yet put under this worker's name is so before anything is read.
    await this.#finish()
  }

  // The group has dropped this worker. Nothing may be committed any more, but nothing is wrong with the state as of the last commit:
  // a task that comes back before anybody else has changed it is taken on as it is.
  async #hold(): Promise<void> {
    const { options, producer, reader, membership } = this.#parts
    options.log.warn(
      { topology: options.topology.name },
      'membership lost; nothing is processed until it is back',
    )
    await this.turns.forget()
    reader.assign([])
    // Ends what is open, so that nobody has to wait for it; refused when somebody has done that already.
    await producer.abort().catch(() => {})
    this.#hasEpoch = false
    for (const { task, planned } of this.tasks.active()) this.#held.set(planned.id, task)
    this.tasks.drop(this.tasks.ids())
    await membership.acceptLoss()
  }
}
