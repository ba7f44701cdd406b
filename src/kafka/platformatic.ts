import { systemClock } from '../core/clock.ts'
import type { Clock } from '../core/clock.ts'
import type { CrashPoints } from '../core/crash-points.ts'
import { ClusterAdmin } from './admin.ts'
import { defaultCompression } from './batch-size.ts'
import { Cluster } from './cluster.ts'
import type { Compression } from './compression.ts'
import { KafkaGroupMember } from './group-member.ts'
import { KafkaLogReader } from './log-reader.ts'
import { KafkaTransactionalProducer } from './transactional-producer.ts'
import type { Kafka, KafkaOptions } from './types.ts'

/** What rarely needs to be set; times in milliseconds. */
export interface KafkaTuning {
  readonly clock?: Clock
  /** Of batches written; default lz4. */
  readonly compression?: Compression
  /** How long retriable failures are repeated before `SLUICE_KAFKA_UNAVAILABLE`; default 60,000, above a broker's restart. */
  readonly operationTimeoutMs?: number
  /** How long one request may take before its connection is given up; default 15,000. */
  readonly requestTimeoutMs?: number
  readonly crash?: CrashPoints | undefined
}

interface Part {
  readonly isClosed: boolean
  close(): Promise<void>
}

// Above a broker's restart, so that a turn survives one; a dead owner is fenced by the next, not waited for.
const defaultTransactionTimeoutMs = 60_000
// Below the broker's default message.max.bytes (1,048,588) whatever compression does.
const maxBatchBytes = 1_000_000

/**
 * A client of one cluster (Kafka 3.8 or newer). Nothing is connected before it is used; `close` ends all that came from it.
 *
 * @example
 * const kafka = connectKafka({ brokers: ['127.0.0.1:9092'], clientId: 'orders-0' })
 * await kafka.admin().ensureTopics([{ name: 'order-created', partitions: 4 }])
 */
export const connectKafka = (options: KafkaOptions, tuning: KafkaTuning = {}): Kafka => {
  const {
    clock = systemClock,
    compression = defaultCompression,
    operationTimeoutMs = 60_000,
    requestTimeoutMs = 15_000,
  } = tuning
  const cluster = new Cluster(options, clock, operationTimeoutMs, requestTimeoutMs)
  const parts = new Set<Part>()
  const keep = <Made extends Part>(made: Made): Made => {
    // Producers and readers come and go over a worker's life; only the living ones are closed at the end.
    for (const part of parts) if (part.isClosed) parts.delete(part)
    parts.add(made)
    return made
  }
  return {
    admin: () => keep(new ClusterAdmin(cluster)),
    reader: ({
      isolation = 'read_committed',
      maxBytes = 16 * 1024 * 1024,
      transactions: withTransactions = false,
    } = {}) =>
      keep(
        new KafkaLogReader(cluster, {
          isolation: withTransactions ? 'read_uncommitted' : isolation,
          maxBytes,
          withTransactions,
        }),
      ),
    transactionalProducer: (transactionalId, { transactionTimeoutMs = defaultTransactionTimeoutMs } = {}) =>
      keep(
        new KafkaTransactionalProducer(cluster, transactionalId, {
          transactionTimeoutMs,
          compression,
          maxBatchBytes,
          crash: tuning.crash,
        }),
      ),
    groupMember: ({ groupInstanceId, ...member }) =>
      keep(
        new KafkaGroupMember(cluster, {
          sessionTimeoutMs: 30_000,
          rebalanceTimeoutMs: 60_000,
          heartbeatIntervalMs: 3_000,
          ...member,
          groupInstanceId: groupInstanceId ?? null,
        }),
      ),
    close: async () => {
      await Promise.all([...parts].map(part => part.close()))
      await cluster.close()
    },
  }
}
