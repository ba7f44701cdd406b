import type { Clock } from '../../core/clock.ts'
import type { CrashPoints } from '../../core/crash-points.ts'
import type { Logger } from '../../core/log.ts'
import type { AvroCodecs } from '../../codec/avro-codecs.ts'
import type {
  ConsumedRecord,
  KafkaAdmin,
  LogReader,
  OffsetPosition,
  TransactionalProducer,
} from '../../kafka/types.ts'
import type { PassedOver } from '../engine/failure-log.ts'
import type { Task, TurnResult } from '../engine/task.ts'
import { commitTurn } from './commit.ts'
import type { CommitMarks } from './commit-marks.ts'
import { runEffects, type EffectHandlers } from './effects.ts'
import type { Membership } from './membership.ts'
import { reportPassedOver } from './passed-over.ts'
import type { OwnedTasks } from './owned-tasks.ts'
import type { Retry } from './retry.ts'

export interface TurnLoopOptions {
  readonly admin: KafkaAdmin
  readonly producer: TransactionalProducer
  readonly reader: LogReader
  readonly codecs: AvroCodecs
  readonly groupId: string
  readonly tasks: OwnedTasks
  readonly effects: EffectHandlers
  readonly membership: Pick<Membership, 'current' | 'settled'>
  readonly marks: CommitMarks
  readonly clock: Clock
  readonly log: Logger
  readonly retry: Retry
  /** A turn takes no more records after this, milliseconds. */
  readonly commitIntervalMs: number
  readonly maxTurnRecords: number
  readonly crash?: CrashPoints | undefined
}

/** Counters since the start. */
export interface TurnCounts {
  records: number
  commits: number
  forgotten: number
  deadLetters: number
  skipped: number
}

/**
 * Turns of one worker: records in, one transaction out for all its tasks. While turn n commits, turn n + 1 is processed on an
 * overlay over it; no more than these two are ever open, which is what bounds memory.
 */
export class TurnLoop {
  readonly counts: TurnCounts = { records: 0, commits: 0, forgotten: 0, deadLetters: 0, skipped: 0 }
  readonly #options: TurnLoopOptions
  readonly #open = new Set<Task>()
  #openRecords = 0
  #openedAt = 0
  #committing: Promise<void> | undefined
  #failed: { readonly error: unknown } | undefined

  constructor(options: TurnLoopOptions) {
    this.#options = options
  }

  /** A commit did not happen: `recover` must come next. */
  get mustRecover(): boolean {
    return this.#failed !== undefined
  }

  get isEmpty(): boolean {
    return this.#open.size === 0
  }

  get isFull(): boolean {
    const { clock, commitIntervalMs, maxTurnRecords } = this.#options
    return (
      this.#openRecords >= maxTurnRecords ||
      (!this.isEmpty && clock.now() - this.#openedAt >= commitIntervalMs)
    )
  }

  /** Pushes records through their tasks, into the open turn. Errors: those of the steps, naming the record. */
  async push(records: readonly ConsumedRecord[]): Promise<void> {
    const { codecs, clock, tasks, retry } = this.#options
    const missing = codecs.missingIds(records.map(record => record.value))
    if (missing.length > 0) await retry('loading schemas', () => codecs.load(missing))
    if (this.isEmpty) this.#openedAt = clock.now()
    for (const record of records) {
      const active = tasks.ofInput(record)
      // Left over from a task that was taken away: its new owner reads it.
      if (active === undefined) continue
      if (!this.#open.has(active.task)) {
        active.task.beginTurn()
        this.#open.add(active.task)
      }
      const repeated = active.task.push(record)
      if (repeated !== undefined) await repeated
      this.#openRecords++
    }
    this.counts.records += records.length
  }

  /**
   * Ends the open turn and starts its commit, after the former one's. With nothing open, commits positions that have moved over
   * markers, and those of tasks just taken over.
   *
   * Effects run before anybody asks whether this worker still owns the tasks: one that was away too long runs them once more although
   * its turn will be forgotten, which is why they have to be idempotent.
   */
  async endTurn(): Promise<void> {
    const { effects, retry, marks } = this.#options
    const tasks = [...this.#open]
    const results: TurnResult[] = []
    for (const task of tasks) results.push(await task.endTurn())
    const positions = this.#newPositions()
    this.#open.clear()
    this.#openRecords = 0
    if (results.some(result => result.effects.size > 0)) this.#options.crash?.('effects.before')
    await runEffects(results, effects, retry)
    await this.settled()
    if (this.mustRecover || positions.length === 0) return
    const marked = marks.mark(positions)
    this.#committing = commitTurn({ tasks, results, positions: marked }, this.#options).then(
      committed => {
        if (!committed) {
          this.#failed = { error: undefined }
          return
        }
        this.counts.commits++
        this.#report(results.flatMap(({ passedOver }) => passedOver))
        marks.record(marked)
      },
      (error: unknown) => {
        this.#failed = { error }
      },
    )
  }

  /** Resolves when no commit is under way. */
  async settled(): Promise<void> {
    await this.#committing
    this.#committing = undefined
  }

  /** Forgets everything that is not committed; returns what the last commit failed with. */
  async forget(): Promise<unknown> {
    await this.settled()
    const error = this.#failed?.error
    this.#failed = undefined
    for (const { task } of this.#options.tasks.active()) task.forget()
    this.#open.clear()
    this.#openRecords = 0
    this.counts.forgotten++
    return error
  }

  #report(passedOver: readonly PassedOver[]): void {
    if (passedOver.length === 0) return
    for (const { policy } of passedOver) this.counts[policy === 'skip' ? 'skipped' : 'deadLetters']++
    reportPassedOver(passedOver, this.#options)
  }

  #newPositions(): OffsetPosition[] {
    const { tasks, reader, marks } = this.#options
    return tasks
      .active()
      .flatMap(({ planned }) => planned.inputs)
      .flatMap(({ topic, partition }) => {
        const offset = reader.position({ topic, partition })
        return offset !== undefined && marks.isNews({ topic, partition, offset })
          ? [{ topic, partition, offset }]
          : []
      })
  }
}
