import { messageOf, SluiceError } from '../core/errors.ts'
import { formatLsn, parseLsn } from './lsn.ts'

/** Which server's log a position belongs to: LSNs of another one mean nothing. */
export interface LogIdentity {
  readonly systemId: string
  readonly timeline: number
  readonly slot: string
}

/** How far the relay has come; written to Kafka in the same transaction as the records it covers. */
export interface RelayPosition extends LogIdentity {
  /** `snapshot`: the rows older than the slot are not all on the topic yet. */
  readonly phase: 'snapshot' | 'stream'
  /** The relay process that wrote it; a process that finds another one here has been replaced. */
  readonly owner: string
  /** Commit record of the transaction the last record belongs to. */
  readonly commitLsn: bigint
  /** Outbox row within that transaction, from 0; -1 when nothing of a transaction at `commitLsn` is on the topic. */
  readonly index: number
  /** Everything that ends before this is on the topic: what Postgres may forget. */
  readonly confirmedLsn: bigint
  /** End of the transaction before, as Debezium counts; for the envelope's `sequence`. */
  readonly lastCommitLsn: bigint | null
}

/** Whether a row was written before: transactions come in commit order, rows within one in a fixed order. */
export const isCovered = (position: RelayPosition, commitLsn: bigint, index: number): boolean =>
  commitLsn < position.commitLsn || (commitLsn === position.commitLsn && index <= position.index)

/** A position with its LSNs as Postgres prints them, since JSON has no integers of 64 bits. */
export type PositionText = {
  readonly [Name in keyof RelayPosition]: bigint extends RelayPosition[Name]
    ? Exclude<RelayPosition[Name], bigint> | string
    : RelayPosition[Name]
}

export const positionText = (position: RelayPosition): PositionText => ({
  ...position,
  commitLsn: formatLsn(position.commitLsn),
  confirmedLsn: formatLsn(position.confirmedLsn),
  lastCommitLsn: position.lastCommitLsn === null ? null : formatLsn(position.lastCommitLsn),
})

export const encodePosition = (position: RelayPosition): Buffer =>
  Buffer.from(JSON.stringify(positionText(position)))

/** Errors: `SLUICE_RELAY_POSITION_UNREADABLE`. */
export const decodePosition = (bytes: Buffer): RelayPosition => {
  try {
    const json = JSON.parse(bytes.toString('utf8')) as Readonly<Record<string, unknown>>
    const text = (name: string): string => {
      const value = json[name]
      if (typeof value !== 'string') throw new TypeError(`${name} is missing`)
      return value
    }
    return {
      phase: text('phase') === 'snapshot' ? 'snapshot' : 'stream',
      owner: text('owner'),
      systemId: text('systemId'),
      timeline: Number(json['timeline']),
      slot: text('slot'),
      commitLsn: parseLsn(text('commitLsn')),
      index: Number(json['index']),
      confirmedLsn: parseLsn(text('confirmedLsn')),
      lastCommitLsn: json['lastCommitLsn'] === null ? null : parseLsn(text('lastCommitLsn')),
    }
  } catch (error) {
    throw new SluiceError({
      code: 'SLUICE_RELAY_POSITION_UNREADABLE',
      message: `the relay's position cannot be read: ${messageOf(error)}`,
      remedy: 'something else writes to the position topic; stop it, then run `sluice relay resync`',
      cause: error,
    })
  }
}
