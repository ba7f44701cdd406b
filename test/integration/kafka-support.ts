import { randomBytes } from 'node:crypto'
import { connectKafka } from '../../src/kafka/platformatic.ts'
import type { KafkaTuning } from '../../src/kafka/platformatic.ts'
import type {
  ConsumedRecord,
  Kafka,
  LogReader,
  ProducedRecord,
  TopicPartition,
} from '../../src/kafka/types.ts'
import { stack } from './support/stack.ts'

/** A name that no other test uses. */
export const unique = (prefix: string): string => `${prefix}-${randomBytes(5).toString('hex')}`

export const connect = (tuning: KafkaTuning = {}, brokers = [stack.kafka]): Kafka =>
  connectKafka({ brokers, clientId: 'test' }, { operationTimeoutMs: 20_000, ...tuning })

export const record = (topic: string, partition: number, value: string): ProducedRecord => ({
  topic,
  partition,
  timestamp: 1_700_000_000_000,
  key: Buffer.from(`key of ${value}`),
  value: Buffer.from(value),
  headers: [],
})

export const valuesOf = (records: readonly ConsumedRecord[]): string[] =>
  records.map(({ value }) => value?.toString() ?? '')

/** Everything up to the end that a reader of this isolation sees when it has reached it. */
export const readToEnd = async (
  reader: LogReader,
  partitions: readonly TopicPartition[],
): Promise<ConsumedRecord[]> => {
  const records: ConsumedRecord[] = []
  const isAtEnd = (of: TopicPartition): boolean => {
    const end = reader.endOffset(of)
    return end !== undefined && (reader.position(of) ?? 0) >= end
  }
  while (!partitions.every(isAtEnd)) records.push(...(await reader.poll(1000, 200)))
  return records
}

export const readAll = async (
  kafka: Kafka,
  partitions: readonly TopicPartition[],
  isolation: 'read_committed' | 'read_uncommitted' = 'read_committed',
): Promise<ConsumedRecord[]> => {
  const reader = kafka.reader({ isolation })
  reader.assign(partitions.map(of => ({ ...of, offset: 0 })))
  const records = await readToEnd(reader, partitions)
  await reader.close()
  return records
}

/** Waits for a condition, never for a time; the test's own timeout ends it. */
export const until = async (isTrue: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await isTrue())) await new Promise(resolve => setTimeout(resolve, 10))
}
