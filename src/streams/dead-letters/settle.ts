import type { Clock } from '../../core/clock.ts'
import type { CrashPoints } from '../../core/crash-points.ts'
import { SluiceError } from '../../core/errors.ts'
import type { Kafka, KafkaAdmin, ProducedRecord, TransactionalProducer } from '../../kafka/types.ts'
import { retryFault, settledFault, sourceTopics } from './faults.ts'
import { matches, type LetterFilter } from './filter.ts'
import { letterIdText, type LetterId } from './letter-id.ts'
import { DeadLetters, type ParkedLetter, type Statuses } from './letters.ts'
import { retriedRecord } from './retried-record.ts'
import { deadLetterStatusTopicSpec, statusRecord, type LetterStatus } from './status.ts'

export interface SettleOptions {
  readonly kafka: Kafka
  readonly admin: KafkaAdmin
  readonly topology: { readonly name: string }
  readonly clock: Clock
  /** Who decides; noted with the letter. */
  readonly by: string
  readonly crash?: CrashPoints | undefined
}

/** Letters by their ids, or all that are open and match. */
export type LetterSelection =
  { readonly ids: readonly LetterId[] } | { readonly filter: Omit<LetterFilter, 'settled'> }

export interface SettleReport {
  /** Ids of the letters that were retried, or dropped. */
  readonly done: readonly string[]
  /** Of a filter's letters, those that cannot be, and why. */
  readonly refused: readonly { readonly id: string; readonly code: string; readonly message: string }[]
}

/** What is done to a letter: its records and its mark are one transaction. */
interface Action {
  readonly state: LetterStatus['state']
  readonly reason?: string
  readonly fault: (parked: ParkedLetter) => Promise<SluiceError | undefined>
  readonly records: (parked: ParkedLetter) => readonly ProducedRecord[]
}

interface Piece {
  readonly ids: string[]
  readonly records: ProducedRecord[]
  bytes: number
}

const lettersAtOnce = 500
const bytesAtOnce = 4_000_000
const triesAtMost = 5
// Whoever reads the source topics waits for the open transaction of a retry that was killed, at most for so long.
const transactionTimeoutMs = 15_000

/**
 * Sends dead letters to their source topics and partitions again, each at most once in all: the record and the mark that says so are one
 * transaction of one transactional id per topology, so a retry that is killed has done a letter wholly or not at all, and of two at the
 * same time the later ends the earlier before it looks at the marks.
 *
 * Ids are all looked at first: when one is wrong, nothing is sent. A dropped letter can be retried by its id.
 *
 * Errors: SLUICE_DLQ_LETTER_UNKNOWN, SLUICE_DLQ_SETTLED, SLUICE_DLQ_NOT_RETRIABLE, SLUICE_DLQ_BUSY.
 *
 * @example await retryLetters({ kafka, admin, topology: orders, clock, by: 'ann' }, { filter: { step: 'read-order' } })
 */
export const retryLetters = (options: SettleOptions, selection: LetterSelection): Promise<SettleReport> => {
  const lookUp = sourceTopics(options.admin)
  return settle(options, selection, {
    state: 'retried',
    fault: async parked =>
      (parked.status?.state === 'retried' ? settledFault(parked) : undefined) ??
      retryFault(parked, await lookUp(parked.letter.source.topic)),
    records: parked => [retriedRecord(parked)],
  })
}

/**
 * Marks dead letters as dropped; they stay where they are. Errors: as `retryLetters`.
 *
 * @example await dropLetters(options, { ids: [parseLetterId('orders-dlq/3/17')] }, 'a test order')
 */
export const dropLetters = (
  options: SettleOptions,
  selection: LetterSelection,
  reason: string,
): Promise<SettleReport> =>
  settle(options, selection, {
    state: 'dropped',
    reason,
    fault: parked => Promise.resolve(settledFault(parked)),
    records: () => [],
  })

const settle = async (
  options: SettleOptions,
  selection: LetterSelection,
  action: Action,
): Promise<SettleReport> => {
  const { kafka, admin, topology } = options
  const letters = new DeadLetters(kafka, admin, topology)
  if (!(await letters.exists()) && 'filter' in selection) return { done: [], refused: [] }
  await requirePossible(letters, selection, action)
  const producer = kafka.transactionalProducer(`${topology.name}-dlq`, { transactionTimeoutMs })
  try {
    await admin.ensureTopics([deadLetterStatusTopicSpec(topology)])
    return await new Settlement(options, letters, producer, action).run(selection)
  } finally {
    await producer.close()
  }
}

/** Throws for the first id that is wrong. */
const requirePossible = async (
  letters: DeadLetters,
  selection: LetterSelection,
  action: Action,
): Promise<void> => {
  if (!('ids' in selection)) return
  for await (const parked of letters.get(selection.ids)) {
    const fault = await action.fault(parked)
    if (fault !== undefined) throw fault
  }
}

class Settlement {
  readonly #options: SettleOptions
  readonly #letters: DeadLetters
  readonly #producer: TransactionalProducer
  readonly #action: Action
  readonly #done = new Set<string>()
  readonly #refused = new Map<string, SluiceError>()
  /** Sent in a transaction of which it is not known how it ended. */
  readonly #unknown = new Set<string>()

  constructor(options: SettleOptions, letters: DeadLetters, producer: TransactionalProducer, action: Action) {
    this.#options = options
    this.#letters = letters
    this.#producer = producer
    this.#action = action
  }

  async run(selection: LetterSelection): Promise<SettleReport> {
    try {
      // Ends every other retry, and waits until its transaction has ended: from here on the marks are complete.
      await this.#producer.init()
      for (let tries = 1; !(await this.#pass(selection)); tries++)
        if (tries === triesAtMost) throw this.#notDone()
    } catch (error) {
      throw isFenced(error) ? this.#busy(error) : error
    }
    return {
      done: [...this.#done],
      refused: [...this.#refused].map(([id, { code, message }]) => ({ id, code, message })),
    }
  }

  /** Goes through all that are meant; false when a transaction failed, and the marks have to be read again. */
  async #pass(selection: LetterSelection): Promise<boolean> {
    const statuses = await this.#letters.statuses()
    let piece: Piece = { ids: [], records: [], bytes: 0 }
    for await (const parked of this.#meant(selection, statuses)) {
      if (!(await this.#isToDo(parked))) continue
      this.#add(piece, parked)
      if (piece.ids.length < lettersAtOnce && piece.bytes < bytesAtOnce) continue
      if (!(await this.#commit(piece))) return false
      piece = { ids: [], records: [], bytes: 0 }
    }
    return piece.ids.length === 0 || (await this.#commit(piece))
  }

  async *#meant(selection: LetterSelection, statuses: Statuses): AsyncGenerator<ParkedLetter> {
    if ('ids' in selection) {
      const distinct = new Map(selection.ids.map(id => [letterIdText(id), id]))
      yield* this.#letters.get([...distinct.values()], statuses)
      return
    }
    for await (const parked of this.#letters.all(statuses))
      if (this.#unknown.has(letterIdText(parked.id)) || matches(parked, selection.filter)) yield parked
  }

  async #isToDo(parked: ParkedLetter): Promise<boolean> {
    const id = letterIdText(parked.id)
    if (this.#done.has(id)) return false
    if (this.#unknown.delete(id) && parked.status?.state === this.#action.state) {
      this.#done.add(id)
      return false
    }
    const fault = await this.#action.fault(parked)
    if (fault !== undefined) this.#refused.set(id, fault)
    return fault === undefined
  }

  #add(piece: Piece, parked: ParkedLetter): void {
    const { clock, by } = this.#options
    const { state, reason } = this.#action
    const id = letterIdText(parked.id)
    const at = new Date(clock.now()).toISOString()
    const status = { state, at, by, ...(reason !== undefined && { reason }) }
    const records = this.#action.records(parked)
    piece.ids.push(id)
    piece.records.push(...records, statusRecord(this.#letters.statusTopic, id, status))
    piece.bytes += records.reduce((sum, { key, value }) => sum + (key?.length ?? 0) + (value?.length ?? 0), 0)
  }

  async #commit({ ids, records }: Piece): Promise<boolean> {
    const { crash } = this.#options
    try {
      await this.#producer.send(records)
      crash?.('dead-letter.after-send')
      const outcome = await this.#producer.commit()
      if (outcome === 'committed') {
        crash?.('dead-letter.after-commit')
        for (const id of ids) this.#done.add(id)
        return true
      }
      if (outcome === 'aborted') {
        // Refused to whoever was fenced meanwhile, unlike an init: where the outcome is known, nobody's place is taken.
        await this.#producer.abort()
        return false
      }
    } catch (error) {
      if (!(error instanceof SluiceError) || error.reaction === 'stop' || isFenced(error)) throw error
      await this.#producer.abort()
      return false
    }
    for (const id of ids) this.#unknown.add(id)
    await this.#producer.init()
    return false
  }

  #busy(cause: unknown): SluiceError {
    return new SluiceError({
      code: 'SLUICE_DLQ_BUSY',
      message: `another retry or drop of ${this.#letters.topic} began and ended this one; ${this.#done.size} letters were ${this.#action.state}, the one under way was left as it was`,
      remedy: 'let the other one finish, look at `sluice dlq list`, then repeat what is left',
      details: { topic: this.#letters.topic, done: [...this.#done] },
      cause,
    })
  }

  #notDone(): SluiceError {
    return new SluiceError({
      code: 'SLUICE_DLQ_NOT_DONE',
      message: `${triesAtMost} transactions on ${this.#letters.topic} failed; ${this.#done.size} letters were ${this.#action.state}`,
      remedy: 'see that the brokers run, then repeat the command: nothing is sent twice',
      details: { topic: this.#letters.topic, done: [...this.#done] },
    })
  }
}

const isFenced = (error: unknown): boolean =>
  error instanceof SluiceError && error.code === 'SLUICE_KAFKA_PRODUCER_FENCED'
