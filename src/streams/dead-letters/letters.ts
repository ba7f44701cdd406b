import { SluiceError } from '../../core/errors.ts'
import type { Kafka, KafkaAdmin } from '../../kafka/types.ts'
import { deadLetterStatusTopicName, deadLetterTopicName } from '../dsl/failures.ts'
import { readDeadLetter, type DeadLetter } from '../engine/read-dead-letter.ts'
import { letterIdText, type LetterId } from './letter-id.ts'
import { extentsOf, readCommitted } from './read-committed.ts'
import { readStatus, type LetterStatus } from './status.ts'

/** A dead letter with its id and what was decided on it. */
export interface ParkedLetter {
  readonly id: LetterId
  readonly letter: DeadLetter
  readonly status: LetterStatus | undefined
}

/** The last decision on each letter, by `letterIdText`. */
export type Statuses = ReadonlyMap<string, LetterStatus>

/**
 * The dead letters of one topology, read as they are committed.
 *
 * @example for await (const { id, letter } of new DeadLetters(kafka, admin, orders).all()) console.log(letterIdText(id), letter.code)
 */
export class DeadLetters {
  readonly topic: string
  readonly statusTopic: string
  readonly #kafka: Kafka
  readonly #admin: KafkaAdmin

  /** Both stay the caller's to close. */
  constructor(kafka: Kafka, admin: KafkaAdmin, topology: { readonly name: string }) {
    this.#kafka = kafka
    this.#admin = admin
    this.topic = deadLetterTopicName(topology)
    this.statusTopic = deadLetterStatusTopicName(topology)
  }

  /** False where no worker of the topology has ever run: nothing was ever parked. */
  async exists(): Promise<boolean> {
    return (await this.#admin.listTopics()).includes(this.topic)
  }

  /** Errors: SLUICE_DLQ_STATUS_INVALID. */
  async statuses(): Promise<Statuses> {
    const statuses = new Map<string, LetterStatus>()
    if (!(await this.#admin.listTopics()).includes(this.statusTopic)) return statuses
    for await (const records of readCommitted(this.#kafka, await extentsOf(this.#admin, this.statusTopic)))
      for (const record of records) statuses.set(...readStatus(record))
    return statuses
  }

  /** Every letter up to now; nothing where the topic does not exist. */
  async *all(statuses?: Statuses): AsyncGenerator<ParkedLetter> {
    if (!(await this.exists())) return
    const known = statuses ?? (await this.statuses())
    for await (const records of readCommitted(this.#kafka, await extentsOf(this.#admin, this.topic))) {
      for (const record of records) {
        const { topic, partition, offset } = record
        const id = { topic, partition, offset }
        yield { id, letter: readDeadLetter(record), status: known.get(letterIdText(id)) }
      }
    }
  }

  /** The letters of these ids, one after the other. Errors: SLUICE_DLQ_LETTER_UNKNOWN, naming what there is. */
  async *get(ids: readonly LetterId[], statuses?: Statuses): AsyncGenerator<ParkedLetter> {
    if (!(await this.exists())) throw this.#nothingParked(ids[0])
    const known = statuses ?? (await this.statuses())
    const extents = await extentsOf(this.#admin, this.topic)
    for (const id of ids) {
      const extent = extents[id.partition]
      if (extent === undefined || id.offset < extent.start || id.offset >= extent.end)
        throw unknownLetter(
          id,
          extent === undefined
            ? `${this.topic} has ${extents.length} partitions, numbered from 0`
            : `partition ${id.partition} holds offsets ${extent.start} to ${extent.end - 1}`,
        )
      yield await this.#read(id, known)
    }
  }

  async #read(id: LetterId, statuses: Statuses): Promise<ParkedLetter> {
    const { topic, partition, offset } = id
    for await (const [record] of readCommitted(this.#kafka, [
      { topic, partition, start: offset, end: offset + 1 },
    ])) {
      if (record?.offset !== offset) break
      return { id, letter: readDeadLetter(record), status: statuses.get(letterIdText(id)) }
    }
    throw unknownLetter(id, 'what lies there is a mark of a transaction, or was never committed')
  }

  #nothingParked(id: LetterId | undefined): SluiceError {
    return new SluiceError({
      code: 'SLUICE_DLQ_LETTER_UNKNOWN',
      message: `there is no topic ${this.topic}: nothing was ever parked there`,
      remedy: 'it is created when a worker of the topology starts; `sluice dlq list` shows what there is',
      details: { topic: this.topic, ...(id !== undefined && { id: letterIdText(id) }) },
    })
  }
}

const unknownLetter = (id: LetterId, why: string): SluiceError =>
  new SluiceError({
    code: 'SLUICE_DLQ_LETTER_UNKNOWN',
    message: `there is no dead letter ${letterIdText(id)}: ${why}`,
    remedy: 'take an id from `sluice dlq list --all`',
    details: { id: letterIdText(id) },
  })
