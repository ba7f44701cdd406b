import { AvroCodecs } from '../../codec/avro-codecs.ts'
import type { SchemaRegistry } from '../../codec/registry.ts'
import type { ConsumedRecord, Kafka, KafkaAdmin } from '../../kafka/types.ts'
import { scanPartition } from '../../replay/read-log.ts'
import { storeCounterparts, topicCounterparts } from '../../replay/shadow-topology.ts'
import type { StockLevel } from '../../../schemas/types.ts'
import type { Topology } from '../../streams/dsl/index.ts'
import { bindFormats, type KeyValueSerde } from '../../streams/engine/bound-formats.ts'
import { absorbLevel, absorbRecord, emptyOutcome, levelStore, outcomeTopics } from './flow-outcome.ts'
import type { FlowOutcome } from './flow-outcome.ts'

export interface FlowReaderOptions {
  readonly shadow: Topology
  readonly kafka: Kafka
  readonly admin: KafkaAdmin
  readonly registry: SchemaRegistry
}

/** Gathers from its topics what the flow has come to, live or replayed. */
export const readFlow = async (
  side: 'live' | 'shadow',
  { shadow, kafka, admin, registry }: FlowReaderOptions,
): Promise<FlowOutcome> => {
  const codecs = new AvroCodecs(registry)
  const formats = await bindFormats(shadow, codecs)
  const outcome = emptyOutcome()
  const readAll = async (
    topic: string,
    serde: KeyValueSerde,
    absorb: (key: unknown, value: unknown) => void,
  ): Promise<void> => {
    const [described] = await admin.describeTopics([topic])
    for (let partition = 0; partition < (described?.partitions ?? 0); partition++) {
      const scan = await scanPartition(kafka, admin, { topic, partition })
      try {
        for (let records = await scan.next(); records !== undefined; records = await scan.next()) {
          await codecs.load(codecs.missingIds(records.map(({ value }) => value)))
          for (const record of records) absorbDecoded(record, serde, absorb)
        }
      } finally {
        await scan.close()
      }
    }
  }
  for (const counterpart of topicCounterparts(shadow)) {
    const { name } = counterpart
    if (!outcomeTopics.includes(name)) continue
    await readAll(counterpart[side], formats.topic(name), (_, value) => absorbRecord(outcome, name, value))
  }
  for (const counterpart of storeCounterparts(shadow)) {
    if (counterpart.name !== levelStore) continue
    await readAll(counterpart[side], formats.store(levelStore), (key, value) =>
      absorbLevel(outcome, String(key), value as StockLevel | undefined),
    )
  }
  return outcome
}

// A record that cannot be decoded was parked by whoever read it, live and in the replay: it has no outcome.
const absorbDecoded = (
  { key, value }: ConsumedRecord,
  serde: KeyValueSerde,
  absorb: (key: unknown, value: unknown) => void,
): void => {
  let decoded: readonly [unknown, unknown]
  try {
    decoded = [
      key === null ? null : serde.key.decode(key),
      value === null ? undefined : serde.value.decode(value),
    ]
  } catch {
    return
  }
  absorb(...decoded)
}
