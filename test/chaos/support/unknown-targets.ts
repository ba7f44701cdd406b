import { cassandraErrors } from '../../../src/testing/index.ts'
import type {
  CassandraAnswer,
  Exchange,
  Fault,
  KafkaAnswer,
  PostgresAnswer,
} from '../../../src/testing/index.ts'
import type { Condition } from './places.ts'
import type { ProcessName } from './system.ts'

interface TargetOf<Server extends string, Answer> {
  readonly server: Server
  /** In reports: what the request is for. */
  readonly name: string
  readonly processes: readonly ProcessName[]
  /** What has to happen for it to be sent, as for places. */
  readonly condition: Extract<Condition, 'load' | 'start' | 'dead-request'>
  readonly matches: (exchange: Exchange) => boolean
  readonly faults: readonly Fault<Answer>[]
}

/** A request whose outcome can be made unknown, and how. */
export type Target =
  | TargetOf<'cassandra', CassandraAnswer>
  | TargetOf<'postgres', PostgresAnswer>
  | TargetOf<'kafka', KafkaAnswer>

const workers: readonly ProcessName[] = ['worker-a', 'worker-b']
const producers: readonly ProcessName[] = ['relay', ...workers]

/**
 * The connection ends before the reply; before the request; before a request that arrives all the same, late; or it stays, and
 * nothing is heard.
 */
const lost: readonly Fault<never>[] = [
  { kind: 'cut', side: 'reply' },
  { kind: 'cut', side: 'request' },
  { kind: 'late', delayMs: 250 },
  { kind: 'late', delayMs: 1_200 },
  { kind: 'drop', side: 'reply' },
  { kind: 'drop', side: 'request' },
]
/** Harmless where a request may come twice; a real network repeats none on a connection, so not in a transaction's own requests. */
const repeated: readonly Fault<never>[] = [
  { kind: 'replay', delayMs: 0 },
  { kind: 'replay', delayMs: 700 },
]

const timedOut: CassandraAnswer = { code: cassandraErrors.writeTimeout, writeType: 'CAS' }
const conditionalFaults: readonly Fault<CassandraAnswer>[] = [
  ...lost,
  ...repeated,
  { kind: 'answer', error: timedOut, isDone: true },
  { kind: 'answer', error: timedOut },
  { kind: 'answer', error: { code: cassandraErrors.writeTimeout, writeType: 'SIMPLE' }, isDone: true },
  { kind: 'answer', error: { code: cassandraErrors.unavailable } },
]

const setsNumbers = 'UPDATE stock SET available'
const insertsRow = 'INSERT INTO stock (sku, generation, entry, kind, quantity, state, at) VALUES'
const endsRow = 'UPDATE stock SET state'

const conditional = (
  name: string,
  processes: readonly ProcessName[],
  has: readonly string[],
  lacks: readonly string[],
): Target => ({
  server: 'cassandra',
  name,
  processes,
  condition: 'load',
  matches: ({ api, statement }) =>
    (api === 'BATCH' || api === 'EXECUTE') &&
    has.every(text => statement.includes(text)) &&
    !lacks.some(text => statement.includes(text)),
  faults: conditionalFaults,
})

const statement = (
  name: string,
  processes: readonly ProcessName[],
  text: string,
  condition: 'load' | 'dead-request' = 'load',
): Target => ({
  server: 'postgres',
  name,
  processes,
  condition,
  matches: exchange => exchange.api === 'Execute' && exchange.statement.includes(text),
  faults: [
    ...lost,
    ...repeated,
    { kind: 'answer', error: { sqlState: '40001' } },
    { kind: 'answer', error: { sqlState: '57P01', isFatal: true } },
    { kind: 'answer', error: { sqlState: '57P01', isFatal: true }, isDone: true },
  ],
})

/** Errors by which a broker says that it cannot, and with `done` those that it gives where it has done it and cannot know. */
const kafka = (
  api: string,
  processes: readonly ProcessName[],
  options: {
    readonly of?: { readonly text: string; readonly name: string }
    readonly codes?: readonly number[]
    readonly done?: number
    readonly condition?: 'start'
  } = {},
): Target => ({
  server: 'kafka',
  name: options.of === undefined ? api : `${api} of ${options.of.name}`,
  processes,
  condition: options.condition ?? 'load',
  matches: exchange =>
    exchange.api === api && (options.of === undefined || exchange.bytes.includes(options.of.text)),
  faults: [
    ...lost,
    ...(options.codes ?? []).map((code): Fault<KafkaAnswer> => ({ kind: 'answer', error: { code } })),
    ...(options.done === undefined
      ? []
      : [{ kind: 'answer', error: { code: options.done }, isDone: true } as const]),
  ],
})

const coordinatorNotAvailable = 15
const notCoordinator = 16
const loading = 14
const concurrentTransactions = 51
const requestTimedOut = 7
const notLeader = 6
/** The one topology with state of which everything depends: two in three requests are those of the others. */
const ledger = { text: 'orders-worker', name: 'the ledger' }

/** Every request whose outcome matters. */
export const targets: readonly Target[] = [
  conditional('stock: take', ['serve'], [setsNumbers, insertsRow], []),
  conditional('stock: give back', ['serve'], [setsNumbers, endsRow], []),
  conditional('stock: close a generation', ['serve'], [setsNumbers], [insertsRow, endsRow]),
  conditional('stock: open a generation', ['serve'], ["'sentinel'", 'INSERT INTO stock'], [setsNumbers]),
  conditional('stock: settle', workers, [setsNumbers], []),
  conditional('stock: mark rows of a closed generation', workers, [endsRow], [setsNumbers]),
  conditional('stock: delete a generation', workers, ['DELETE closed FROM stock'], []),
  statement('claim a key', ['serve'], 'INSERT INTO idempotency_key'),
  statement('give a key back', ['serve'], 'DELETE FROM idempotency_key WHERE key'),
  statement(
    'commit orders',
    ['serve'],
    'INSERT INTO orders (id, customer_id, status, lines, total_minor, created_at)\n    SELECT',
  ),
  statement('commit an adjustment', ['serve'], 'VALUES ($1::uuid, $2::text, $3, $4, $5)'),
  statement('abandon an order', ['serve'], "VALUES ($1, '', 'abandoned', '[]'", 'dead-request'),
  statement('take a key over', ['serve'], 'UPDATE idempotency_key SET entry_id', 'dead-request'),
  statement('end orders', workers, 'UPDATE orders SET status'),
  kafka('InitProducerId', producers, {
    codes: [coordinatorNotAvailable, notCoordinator, loading, concurrentTransactions],
    done: coordinatorNotAvailable,
    condition: 'start',
  }),
  kafka('AddPartitionsToTxn', producers, {
    codes: [notCoordinator, concurrentTransactions],
    done: coordinatorNotAvailable,
  }),
  kafka('Produce', producers, { codes: [notLeader, requestTimedOut], done: requestTimedOut }),
  kafka('AddOffsetsToTxn', workers, {
    codes: [notCoordinator, concurrentTransactions],
    done: coordinatorNotAvailable,
  }),
  kafka('TxnOffsetCommit', workers, { codes: [notCoordinator, loading], done: coordinatorNotAvailable }),
  kafka('EndTxn', producers, {
    codes: [coordinatorNotAvailable, notCoordinator, loading, concurrentTransactions],
    done: coordinatorNotAvailable,
  }),
  kafka('Produce', workers, { of: ledger, codes: [notLeader], done: requestTimedOut }),
  kafka('TxnOffsetCommit', workers, { of: ledger, codes: [loading], done: coordinatorNotAvailable }),
  kafka('EndTxn', workers, {
    of: ledger,
    codes: [coordinatorNotAvailable, concurrentTransactions],
    done: coordinatorNotAvailable,
  }),
  kafka('JoinGroup', workers, { codes: [notCoordinator, coordinatorNotAvailable], condition: 'start' }),
  kafka('SyncGroup', workers, { codes: [notCoordinator, coordinatorNotAvailable], condition: 'start' }),
  kafka('Heartbeat', workers, { codes: [notCoordinator, coordinatorNotAvailable] }),
  kafka('OffsetFetch', workers, { codes: [loading, notCoordinator], condition: 'start' }),
]
