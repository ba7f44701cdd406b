import { Client } from 'pg'
import { topicOf } from '../../../src/check/evidence.ts'
import { makeInterner } from '../../../src/check/interner.ts'
import { Brokers } from '../../../src/check/log/brokers.ts'
import { OutboxTail } from '../../../src/check/log/outbox-tail.ts'
import { connectKafka } from '../../../src/kafka/platformatic.ts'
import type { KafkaAdmin } from '../../../src/kafka/types.ts'
import { brokerTopicName } from '../../../src/streams/dsl/graph.ts'
import type { Topology } from '../../../src/streams/dsl/index.ts'
import { topologies } from '../../../topology/index.ts'
import type { SystemConfig } from '../support/system.ts'
import type { Extent } from './lag-clock.ts'

/** Looks at how far the system is behind. */
export interface GaugeReader {
  /**
   * Records per group and partition, those of open transactions too, and how many of them are read; outbox rows, and how many of them
   * are on the topic.
   */
  read(): Promise<ReadonlyMap<string, Extent>>
  close(): Promise<void>
}

const lagsOf = async (admin: KafkaAdmin, topology: Topology): Promise<[string, Extent][]> => {
  const topics = [...new Set(topology.subTopologies.flatMap(({ sourceTopics }) => sourceTopics))]
  const described = await admin.describeTopics(topics.map(topic => brokerTopicName(topology, topic)))
  const partitions = described.flatMap(({ name, partitions: count }) =>
    Array.from({ length: count }, (_, partition) => ({ topic: name, partition })),
  )
  const committed = await admin.unstableOffsets(topology.name, partitions)
  const ends = await admin.listOffsets(partitions, 'latest')
  return partitions.map(({ topic, partition }) => {
    const isHere = (other: { topic: string; partition: number }): boolean =>
      other.topic === topic && other.partition === partition
    const done = Math.max(0, committed.find(isHere)?.offset ?? 0)
    return [`${topology.name} ${topic}-${partition}`, { end: ends.find(isHere)?.offset ?? 0, done }]
  })
}

/** Opens what is needed to look, once; a look fails while a server is away. */
export const openGauges = async (config: SystemConfig): Promise<GaugeReader> => {
  const kafka = connectKafka(
    { brokers: config.kafkaBrokers, clientId: 'gauges' },
    { operationTimeoutMs: 2_000, requestTimeoutMs: 5_000 },
  )
  const admin = kafka.admin()
  const brokers = new Brokers(config.kafkaBrokers.join(','))
  const client = new Client({ connectionString: config.postgresUrl })
  await client.connect()
  const outbox = new OutboxTail(brokers, topicOf.outbox, config.registryUrl, makeInterner())
  const readOutbox = async (): Promise<Extent> => {
    const { rows } = await client.query<{ count: number }>('SELECT count(*)::int AS count FROM outbox_event')
    await outbox.advance()
    return { end: rows[0]?.count ?? 0, done: outbox.size }
  }
  return {
    read: async () => {
      const lags = await Promise.all(Object.values(topologies).map(topology => lagsOf(admin, topology)))
      return new Map([['outbox', await readOutbox()], ...lags.flat()])
    },
    close: async () => {
      await Promise.all([client.end(), brokers.close(), kafka.close()])
    },
  }
}
