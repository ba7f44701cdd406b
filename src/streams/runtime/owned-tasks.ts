import { messageOf } from '../../core/errors.ts'
import type { Logger } from '../../core/log.ts'
import type { OffsetPosition, TopicPartition } from '../../kafka/types.ts'
import type { Task } from '../engine/task.ts'
import type { PlannedTask } from './task-plan.ts'

/** A task this worker owns and runs. */
export interface ActiveTask {
  readonly task: Task
  readonly planned: PlannedTask
}

/** A task that has become ready, with the positions to read from. */
export interface ReadyTask extends ActiveTask {
  readonly positions: readonly OffsetPosition[]
}

interface Restoring {
  readonly cancel: AbortController
  readonly done: Promise<void>
}

const placeOf = ({ topic, partition }: TopicPartition): string => `${topic}-${partition}`

/** The tasks of one worker: those that run, and those whose state is being restored beside them. */
export class OwnedTasks {
  readonly #active = new Map<string, ActiveTask>()
  readonly #restoring = new Map<string, Restoring>()
  readonly #taskOfInput = new Map<string, ActiveTask>()
  readonly #ready: ReadyTask[] = []
  readonly #log: Logger
  #failure: { readonly error: unknown } | undefined

  constructor(log: Logger) {
    this.#log = log
  }

  /** Ids of all tasks, restored or not: what the group is told. */
  ids(): string[] {
    return [...this.#active.keys(), ...this.#restoring.keys()]
  }

  active(): readonly ActiveTask[] {
    return [...this.#active.values()]
  }

  get restoringCount(): number {
    return this.#restoring.size
  }

  ofInput(input: TopicPartition): ActiveTask | undefined {
    return this.#taskOfInput.get(placeOf(input))
  }

  /** Starts restoring a task; it appears in `takeReady` when done. */
  restore(planned: PlannedTask, run: (signal: AbortSignal) => Promise<ReadyTask>): void {
    const cancel = new AbortController()
    const done = run(cancel.signal).then(
      ready => {
        if (!cancel.signal.aborted) this.#ready.push(ready)
      },
      (error: unknown) => {
        if (cancel.signal.aborted)
          this.#log.debug({ task: planned.id, error: messageOf(error) }, 'restore was given up')
        else this.#failure = { error }
      },
    )
    this.#restoring.set(planned.id, { cancel, done })
  }

  /** Tasks that became ready since the last call; they are active from now on. Throws what a restore failed with. */
  takeReady(): readonly ReadyTask[] {
    if (this.#failure !== undefined) throw this.#failure.error
    const ready = this.#ready.splice(0)
    for (const { task, planned } of ready) {
      this.#restoring.delete(planned.id)
      const active = { task, planned }
      this.#active.set(planned.id, active)
      for (const input of planned.inputs) this.#taskOfInput.set(placeOf(input), active)
    }
    return ready
  }

  /** Lets go of tasks; returns the inputs that were read for them. Their uncommitted turns must have ended before. */
  drop(ids: readonly string[]): readonly TopicPartition[] {
    return ids.flatMap(id => {
      const restoring = this.#restoring.get(id)
      restoring?.cancel.abort()
      this.#restoring.delete(id)
      const waiting = this.#ready.findIndex(ready => ready.planned.id === id)
      if (waiting >= 0) this.#ready.splice(waiting, 1)
      const inputs = this.#active.get(id)?.planned.inputs ?? []
      for (const input of inputs) this.#taskOfInput.delete(placeOf(input))
      this.#active.delete(id)
      return inputs
    })
  }

  /** Cancels all restores and waits until none runs. */
  async close(): Promise<void> {
    const running = [...this.#restoring.values()]
    for (const { cancel } of running) cancel.abort()
    await Promise.all(running.map(({ done }) => done))
  }
}
