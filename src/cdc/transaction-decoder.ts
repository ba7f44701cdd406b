import type { Pgoutput } from 'pg-logical-replication'
import type { OutboxRow } from '../../schemas/types.ts'
import { parseLsn } from './lsn.ts'
import { isCovered } from './position.ts'
import type { RelayPosition } from './position.ts'

/** A Postgres transaction, as its begin message announces it. */
export interface SourceTransaction {
  readonly commitLsn: bigint
  readonly commitTimeUs: bigint
  readonly id: number
  readonly lastCommitLsn: bigint | null
}

/** What the stream brings, in commit order. */
export type StreamElement =
  | {
      readonly kind: 'row'
      readonly transaction: SourceTransaction
      /** Among the outbox rows of the transaction. */
      readonly index: number
      readonly lsn: bigint
      readonly row: OutboxRow
    }
  | {
      readonly kind: 'end'
      readonly transaction: SourceTransaction
      readonly lastIndex: number
      /** First byte after the commit record. */
      readonly endLsn: bigint
    }
  /** Postgres has read its log up to here and found nothing more for us. */
  | { readonly kind: 'idle'; readonly lsn: bigint }

/**
 * Turns pgoutput's messages into rows and ends of transactions, leaving out what the position covers.
 * One per connection: a new connection begins with a whole transaction.
 */
export class TransactionDecoder {
  readonly #position: RelayPosition
  readonly #schema: string
  readonly #table: string
  #transaction: SourceTransaction | undefined
  #index = -1
  #lastCommitLsn: bigint | null

  constructor(position: RelayPosition, schema: string, table: string) {
    this.#position = position
    this.#schema = schema
    this.#table = table
    this.#lastCommitLsn = position.lastCommitLsn
  }

  /** Between begin and commit. */
  get isOpen(): boolean {
    return this.#transaction !== undefined
  }

  /** @param lsn of the message, as the replication protocol gives it. */
  take(lsn: string, message: Pgoutput.Message): StreamElement | undefined {
    switch (message.tag) {
      case 'begin':
        this.#transaction = {
          commitLsn: parseLsn(message.commitLsn ?? lsn),
          commitTimeUs: message.commitTime.valueOf(),
          // The parser reads the unsigned id as a signed one.
          id: message.xid >>> 0,
          lastCommitLsn: this.#lastCommitLsn,
        }
        this.#index = -1
        return undefined
      case 'insert':
        return this.#insert(lsn, message)
      case 'commit':
        return this.#commit(message)
      default:
        return undefined
    }
  }

  #insert(lsn: string, message: Pgoutput.MessageInsert): StreamElement | undefined {
    const transaction = this.#transaction
    const { schema, name } = message.relation
    if (transaction === undefined || schema !== this.#schema || name !== this.#table) return undefined
    this.#index += 1
    if (isCovered(this.#position, transaction.commitLsn, this.#index)) return undefined
    return { kind: 'row', transaction, index: this.#index, lsn: parseLsn(lsn), row: outboxRow(message.new) }
  }

  #commit(message: Pgoutput.MessageCommit): StreamElement | undefined {
    const transaction = this.#transaction
    this.#transaction = undefined
    if (transaction === undefined) return undefined
    const endLsn = parseLsn(message.commitEndLsn ?? '0/0')
    if (this.#index >= 0) this.#lastCommitLsn = endLsn
    // An end that Postgres sends again tells nothing new.
    if (endLsn <= this.#position.confirmedLsn) return undefined
    return { kind: 'end', transaction, lastIndex: this.#index, endLsn }
  }
}

/** Columns as text, just as Postgres sends them; others than Debezium's five are left out. */
const outboxRow = (columns: Readonly<Record<string, unknown>>): OutboxRow => ({
  id: textOf(columns['id']),
  aggregatetype: textOf(columns['aggregatetype']),
  aggregateid: textOf(columns['aggregateid']),
  type: textOf(columns['type']),
  payload: typeof columns['payload'] === 'string' ? columns['payload'] : null,
})

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')
