import { SluiceError, messageOf } from '../../core/errors.ts'
import type { ConsumedRecord, ProducedRecord } from '../../kafka/types.ts'
import { policyOf, type FailurePolicy } from '../dsl/failures.ts'
import type { Topology } from '../dsl/graph.ts'
import { codeOf, deadLetterOf, type DeadLetterTarget } from './dead-letter.ts'

/** A record that a turn went on without. */
export interface PassedOver {
  readonly policy: Exclude<FailurePolicy, 'fail'>
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly task: string
  readonly step: string
  readonly code: string
  readonly message: string
}

/** Judges the failed records of one task's turn by the topology's policies, and keeps what became of them. */
export class FailureLog {
  readonly #entries: { readonly passedOver: PassedOver; readonly letter: ProducedRecord | undefined }[] = []
  readonly #topology: Topology
  readonly #task: string
  readonly #target: () => DeadLetterTarget

  constructor(topology: Topology, task: string, target: () => DeadLetterTarget) {
    this.#topology = topology
    this.#task = task
    this.#target = target
  }

  /** Errors: SLUICE_STREAMS_RECORD_FAILED where the policy is to fail; whatever passes by itself is thrown as it is. */
  judge(record: ConsumedRecord, step: string, error: unknown): void {
    // A registry or a database that does not answer is no fault of the record.
    if (isPassing(error)) throw error
    const policy = policyOf(this.#topology, step)
    const { topic, partition, offset } = record
    if (policy === 'fail') throw this.#failed(record, step, error)
    this.#entries.push({
      passedOver: {
        policy,
        topic,
        partition,
        offset,
        task: this.#task,
        step,
        code: codeOf(error),
        message: messageOf(error),
      },
      letter:
        policy === 'skip'
          ? undefined
          : deadLetterOf({ record, error, task: this.#task, step }, this.#target()),
    })
  }

  /** What became of the records, in their own order whenever each of them failed. */
  result(): { readonly passedOver: PassedOver[]; readonly deadLetters: ProducedRecord[] } {
    const entries = this.#entries.toSorted(({ passedOver: a }, { passedOver: b }) =>
      a.topic === b.topic ? a.offset - b.offset : a.topic < b.topic ? -1 : 1,
    )
    return {
      passedOver: entries.map(({ passedOver }) => passedOver),
      deadLetters: entries.flatMap(({ letter }) => letter ?? []),
    }
  }

  #failed(record: ConsumedRecord, step: string, cause: unknown): SluiceError {
    const { topic, partition, offset } = record
    return new SluiceError({
      code: 'SLUICE_STREAMS_RECORD_FAILED',
      message: `${this.#topology.name} failed in ${step} on ${topic}[${partition}] at offset ${offset}: ${messageOf(cause)}`,
      remedy:
        'fix the step and start the worker again: nothing of the turn was committed; or declare what else to do with such a record (failures)',
      details: { topic, partition, offset, task: this.#task, step, cause: codeOf(cause) },
      cause,
    })
  }
}

/** Whether an error passes by itself, so that the record is to be tried again. */
export const isPassing = (error: unknown): boolean =>
  error instanceof SluiceError && error.reaction !== 'stop'
