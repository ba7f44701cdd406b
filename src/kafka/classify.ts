import { GenericError, MultipleErrors, protocolErrorsCodesById } from '@platformatic/kafka'
import { messageOf, SluiceError } from '../core/errors.ts'
import type { Reaction } from '../core/errors.ts'

/**
 * What the caller of one request does next: `again` after a pause, `again-soon` after a few milliseconds, after a new
 * lookup of the partition's leader or of the coordinator, or `refuse`: hand it up as a SluiceError.
 */
export type Handling = 'again' | 'again-soon' | 'find-leader' | 'find-coordinator' | 'refuse'

const handlingById = new Map<string, Handling>([
  // The partition is led elsewhere, or its leader is being elected: the cached metadata is old.
  ['NOT_LEADER_OR_FOLLOWER', 'find-leader'],
  ['LEADER_NOT_AVAILABLE', 'find-leader'],
  ['FENCED_LEADER_EPOCH', 'find-leader'],
  ['UNKNOWN_LEADER_EPOCH', 'find-leader'],
  ['REPLICA_NOT_AVAILABLE', 'find-leader'],
  ['KAFKA_STORAGE_ERROR', 'find-leader'],
  ['OFFSET_NOT_AVAILABLE', 'find-leader'],
  // A topic just created is not known to all brokers at once; the caller's deadline decides when it is missing.
  ['UNKNOWN_TOPIC_OR_PARTITION', 'find-leader'],
  // The group or the transactional id has moved to another broker, or its log is being loaded there.
  ['NOT_COORDINATOR', 'find-coordinator'],
  ['COORDINATOR_NOT_AVAILABLE', 'find-coordinator'],
  ['COORDINATOR_LOAD_IN_PROGRESS', 'again'],
  // The broker could not do it in time or with enough replicas; sequence numbers make repeating harmless.
  ['REQUEST_TIMED_OUT', 'again'],
  ['NOT_ENOUGH_REPLICAS', 'again'],
  ['NOT_ENOUGH_REPLICAS_AFTER_APPEND', 'again'],
  ['CORRUPT_MESSAGE', 'again'],
  ['NETWORK_EXCEPTION', 'again'],
  ['THROTTLING_QUOTA_EXCEEDED', 'again'],
  ['NOT_CONTROLLER', 'again'],
  // A transaction of somebody with pending offsets: its end is near, or its timeout.
  ['UNSTABLE_OFFSET_COMMIT', 'again-soon'],
  // The markers of the previous transaction are still being written: milliseconds.
  ['CONCURRENT_TRANSACTIONS', 'again-soon'],
])

interface Refusal {
  readonly code: string
  readonly reaction: Reaction
  readonly remedy: string
}

const fenced: Refusal = {
  code: 'SLUICE_KAFKA_PRODUCER_FENCED',
  reaction: 'rebuild-producer',
  remedy:
    'another owner of the transactional id took over, or the transaction timed out: forget the turn and call init',
}
const abortable: Refusal = {
  code: 'SLUICE_KAFKA_TRANSACTION_ABORTABLE',
  reaction: 'forget-turn',
  remedy: 'abort the transaction and run the turn again from the committed offsets',
}
const staleGeneration: Refusal = {
  code: 'SLUICE_KAFKA_STALE_GENERATION',
  reaction: 'retry',
  remedy: 'join the group, then send the offsets again in the same transaction with the new generation',
}
const denied: Refusal = {
  code: 'SLUICE_KAFKA_NOT_AUTHORIZED',
  reaction: 'stop',
  remedy: 'give this principal the ACL for the topic, group or transactional id',
}
const tooLarge: Refusal = {
  code: 'SLUICE_KAFKA_RECORD_TOO_LARGE',
  reaction: 'stop',
  remedy: "raise the topic's max.message.bytes or make the record smaller",
}

const refusalById = new Map<string, Refusal>([
  // The epoch is no longer ours: nothing written with it can ever be committed.
  ['PRODUCER_FENCED', fenced],
  ['INVALID_PRODUCER_EPOCH', fenced],
  ['INVALID_PRODUCER_ID_MAPPING', fenced],
  ['TRANSACTION_COORDINATOR_FENCED', fenced],
  // The broker has lost track of this transaction, or refuses it for good; our epoch is still valid.
  ['TRANSACTION_ABORTABLE', abortable],
  ['INVALID_TXN_STATE', abortable],
  ['OUT_OF_ORDER_SEQUENCE_NUMBER', abortable],
  ['UNKNOWN_PRODUCER_ID', abortable],
  // The group is between generations: the offsets are still ours until an assignment says otherwise.
  ['ILLEGAL_GENERATION', staleGeneration],
  ['REBALANCE_IN_PROGRESS', staleGeneration],
  // The coordinator has dropped this member: its partitions may already belong to others.
  [
    'UNKNOWN_MEMBER_ID',
    {
      code: 'SLUICE_KAFKA_MEMBERSHIP_LOST',
      reaction: 'forget-turn',
      remedy: 'forget the turn and join again; make turns shorter than the session and rebalance timeouts',
    },
  ],
  // Two processes use one static id; the older one must end or they fence each other for ever.
  [
    'FENCED_INSTANCE_ID',
    {
      code: 'SLUICE_KAFKA_INSTANCE_FENCED',
      reaction: 'stop',
      remedy:
        'another process joined with the same instance id and goes on in its place: give each an id of its own, or start only one',
    },
  ],
  [
    'INCONSISTENT_GROUP_PROTOCOL',
    {
      code: 'SLUICE_KAFKA_PROTOCOL_DIFFERS',
      reaction: 'stop',
      remedy: 'stop the members that speak the other protocol first, or give this group a name of its own',
    },
  ],
  [
    'OFFSET_OUT_OF_RANGE',
    {
      code: 'SLUICE_KAFKA_OFFSET_OUT_OF_RANGE',
      reaction: 'stop',
      remedy:
        'records were deleted by retention, or the topic was made anew: rebuild from the earliest offset',
    },
  ],
  ['MESSAGE_TOO_LARGE', tooLarge],
  ['RECORD_LIST_TOO_LARGE', tooLarge],
  ['TOPIC_AUTHORIZATION_FAILED', denied],
  ['GROUP_AUTHORIZATION_FAILED', denied],
  ['CLUSTER_AUTHORIZATION_FAILED', denied],
  ['TRANSACTIONAL_ID_AUTHORIZATION_FAILED', denied],
  ['SASL_AUTHENTICATION_FAILED', denied],
  [
    'INVALID_TRANSACTION_TIMEOUT',
    {
      code: 'SLUICE_KAFKA_TRANSACTION_TIMEOUT_INVALID',
      reaction: 'stop',
      remedy: "choose a transaction timeout below the broker's transaction.max.timeout.ms",
    },
  ],
])

const idsIn = (error: unknown): string[] => {
  if (error instanceof MultipleErrors) return error.errors.flatMap(idsIn)
  if (error instanceof GenericError) return typeof error.apiId === 'string' ? [error.apiId] : []
  return []
}

/** The name of a numeric error code in a response. */
export const errorIdOfCode = (code: number): string =>
  protocolErrorsCodesById[code] ?? `UNKNOWN_ERROR_${code}`

export const handlingOfId = (id: string): Handling => handlingById.get(id) ?? 'refuse'

/** The Kafka error that decides, of all in a response: one that refuses goes before one that can be retried. */
export const errorIdOf = (error: unknown): string | undefined => {
  // A broker that refuses one partition marks the others as not attempted: they say nothing.
  const ids = idsIn(error).filter(id => id !== 'OPERATION_NOT_ATTEMPTED')
  return ids.find(id => handlingOfId(id) === 'refuse') ?? ids[0]
}

const codesIn = (error: unknown): string[] => {
  if (error instanceof MultipleErrors) return [error.code, ...error.errors.flatMap(codesIn)]
  return error instanceof GenericError ? [error.code] : []
}

/** The connection broke or the reply did not come in time: whether the broker did it is not known. */
export const isReplyLost = (error: unknown): boolean =>
  errorIdOf(error) === undefined &&
  codesIn(error).some(code =>
    // A reply under an unknown correlation id ends the connection like any other damage on it.
    ['PLT_KFK_NETWORK', 'PLT_KFK_TIMEOUT', 'PLT_KFK_UNEXPECTED_CORRELATION_ID'].includes(code),
  )

/** Thrown by a lane when no connection could be made: the request has certainly not been sent. */
export const unreachableCode = 'SLUICE_KAFKA_UNREACHABLE'

export const isUnreachable = (error: unknown): boolean =>
  error instanceof SluiceError && error.code === unreachableCode

export const handlingOf = (error: unknown): Handling => {
  const id = errorIdOf(error)
  if (id !== undefined) return handlingOfId(id)
  // The broker may be gone for good: whoever leads or coordinates instead is asked anew.
  return isReplyLost(error) || isUnreachable(error) ? 'find-coordinator' : 'refuse'
}

/** The error of a Kafka error id, with the reaction it requires. */
export const errorOfId = (
  id: string,
  what: string,
  details: Readonly<Record<string, unknown>> = {},
  cause?: unknown,
): SluiceError => {
  const refusal = refusalById.get(id)
  return new SluiceError({
    code: refusal?.code ?? 'SLUICE_KAFKA_REFUSED',
    message: `${what}: ${id}`,
    remedy: refusal?.remedy ?? 'read the broker log for the reason',
    reaction: refusal?.reaction ?? 'stop',
    details: { ...details, kafkaError: id },
    cause,
  })
}

/** Whatever a request failed with, as the error the project's callers know. */
export const kafkaError = (
  error: unknown,
  what: string,
  details: Readonly<Record<string, unknown>> = {},
): SluiceError => {
  if (error instanceof SluiceError && error.code !== unreachableCode) return error
  const id = errorIdOf(error)
  if (id !== undefined && handlingOfId(id) === 'refuse') return errorOfId(id, what, details, error)
  if (id !== undefined || isReplyLost(error) || isUnreachable(error)) {
    return new SluiceError({
      code: 'SLUICE_KAFKA_UNAVAILABLE',
      message: `${what}: gave up after retrying: ${id ?? messageOf(error)}`,
      remedy: 'check that the brokers run and are reachable, then try again',
      reaction: 'retry',
      details: id === undefined ? details : { ...details, kafkaError: id },
      cause: error,
    })
  }
  return new SluiceError({
    code: 'SLUICE_KAFKA_FAILED',
    message: `${what}: ${messageOf(error)}`,
    remedy: 'this is not an answer of Kafka: report it with its cause',
    details,
    cause: error,
  })
}
