import { messageOf, SluiceError } from '../core/errors.ts'
import { formatLsn } from './lsn.ts'
import type { LogIdentity, RelayPosition } from './position.ts'

const resync =
  'run `sluice relay resync`: it makes the slot anew and sends the table rows that are not on the topic'

export const fenced = (name: string, owner: string): SluiceError =>
  new SluiceError({
    code: 'SLUICE_RELAY_FENCED',
    message: `another relay has taken over as ${name} (instance ${owner})`,
    remedy: 'run one relay per name; this one has stopped, and nothing was lost or sent twice',
    details: { name, owner },
  })

export const positionOfOther = (position: RelayPosition, actual: LogIdentity): SluiceError =>
  new SluiceError({
    code: 'SLUICE_RELAY_POSITION_OF_OTHER_SERVER',
    message:
      `the position is of server ${position.systemId}, timeline ${position.timeline}, slot ${position.slot}; ` +
      `this is server ${actual.systemId}, timeline ${actual.timeline}, slot ${actual.slot}`,
    remedy: `connect to the right server, or, when it was replaced or failed over, ${resync}`,
    details: { position: identityOf(position), actual },
  })

const identityOf = ({ systemId, timeline, slot }: LogIdentity): LogIdentity => ({ systemId, timeline, slot })

export const slotLost = (slot: string, why: string): SluiceError =>
  new SluiceError({
    code: 'SLUICE_RELAY_SLOT_LOST',
    message: `the replication slot ${slot} ${why}: changes may be missing`,
    remedy: resync,
    details: { slot },
  })

export const slotMoved = (slot: string, confirmedLsn: bigint, position: RelayPosition): SluiceError =>
  slotLost(
    slot,
    `is at ${formatLsn(confirmedLsn)}, past the relay's position ${formatLsn(position.confirmedLsn)}; ` +
      'it was made anew, or somebody else reads from it',
  )

export const slotInUse = (slot: string, reader: string): SluiceError =>
  new SluiceError({
    code: 'SLUICE_RELAY_SLOT_IN_USE',
    message: `the replication slot ${slot} is being read by '${reader}'`,
    remedy: 'a slot has one reader: stop the other one, or give this relay a name and a slot of its own',
    details: { slot, reader },
  })

export const publicationMissing = (publication: string, table: string, why: string): SluiceError =>
  new SluiceError({
    code: 'SLUICE_RELAY_PUBLICATION_MISSING',
    message: `publication ${publication} ${why} ${table}`,
    remedy: 'run `sluice migrate`',
    details: { publication, table },
  })

export const outcomeUnknown = (name: string, outcome: string): SluiceError =>
  new SluiceError({
    code: 'SLUICE_RELAY_COMMIT_UNSETTLED',
    message: `a Kafka transaction of ${name} ended as ${outcome}`,
    remedy: 'nothing: the relay reads its position again and goes on from there',
    reaction: 'rebuild-producer',
    details: { name, outcome },
  })

/** States of Postgres that no waiting mends: wrong password, wrong database, missing rights, no logical decoding. */
const hopeless = new Set(['28000', '28P01', '3D000', '42501', '42704', '55000', '0A000'])

const sqlStateOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined

/** A host with several addresses fails with one error for each, around which there is no text. */
const reasonOf = (error: unknown): string =>
  error instanceof AggregateError && error.message === ''
    ? error.errors.map(messageOf).join(', ')
    : messageOf(error)

/** Whatever Postgres or its connection threw, as a SluiceError: `retry` but for what only a person can mend. */
export const postgresError = (error: unknown): SluiceError => {
  if (error instanceof SluiceError) return error
  const sqlState = sqlStateOf(error)
  const stops = sqlState !== undefined && hopeless.has(sqlState)
  return new SluiceError({
    code: stops ? 'SLUICE_RELAY_POSTGRES_REFUSED' : 'SLUICE_RELAY_POSTGRES_UNAVAILABLE',
    message: `Postgres: ${reasonOf(error)}`,
    remedy: stops
      ? 'check POSTGRES_URL, the REPLICATION right of its user, and wal_level = logical'
      : 'nothing: the relay tries again until Postgres answers',
    reaction: stops ? 'stop' : 'retry',
    details: { sqlState },
    cause: error,
  })
}
