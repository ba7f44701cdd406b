import type { Clock } from '../core/clock.ts'
import { addressOf, startFaultProxy } from './fault-proxy.ts'
import type { FaultProxy } from './fault-proxy.ts'
import { KafkaDialect } from './kafka/dialect.ts'
import type { KafkaAnswer } from './kafka/answers.ts'

/** A proxy in front of Kafka's brokers; `api` of a rule is the name in Kafka's protocol, e.g. `TxnOffsetCommit`. */
export type KafkaFaultProxy = FaultProxy<KafkaAnswer>

/**
 * Starts a proxy before all brokers of a cluster. Where they name each other (Metadata, FindCoordinator, DescribeCluster),
 * clients read the proxy's addresses; a broker left out of `brokers` keeps its own, and clients go around the proxy to it.
 * Plaintext listeners only.
 *
 * @param brokers `host:port` as advertised, several separated by commas.
 * @example
 * const proxy = await startKafkaFaultProxy('127.0.0.1:9092')
 * const lost = proxy.inject({ api: 'EndTxn', fault: { kind: 'cut', side: 'reply' } })
 * const kafka = connectKafka({ brokers: [proxy.address], clientId: 'test' })
 * // … commit a transaction: its outcome is unknown …
 * await lost.done
 */
export const startKafkaFaultProxy = (brokers: string, clock?: Clock): Promise<KafkaFaultProxy> =>
  startFaultProxy({
    protocol: 'kafka',
    targets: brokers.split(',').map(addressOf),
    dialect: (connection, addresses) => new KafkaDialect(connection, addresses),
    clock,
  })
