import { openKafka, openRegistry } from '../app/adapters.ts'
import { AvroCodecs } from '../codec/avro-codecs.ts'
import type { Kafka, KafkaAdmin } from '../kafka/types.ts'
import { ValueDecoder } from '../streams/inspect/values/value-decoder.ts'
import { loadSettings } from './settings.ts'

/** What looking into logs needs. */
export interface LogAccess {
  readonly kafka: Kafka
  readonly admin: KafkaAdmin
  readonly decoder: ValueDecoder
}

/** Runs `work` with Kafka and the registry of the settings; nothing is registered, and no group is joined. */
export const withLogs = async <T>(work: (access: LogAccess) => Promise<T>): Promise<T> => {
  const config = await loadSettings(['kafkaBrokers', 'registryUrl'])
  const kafka = openKafka(config, 'sluice-inspect')
  const decoder = new ValueDecoder(new AvroCodecs(openRegistry(config)))
  try {
    return await work({ kafka, admin: kafka.admin(), decoder })
  } finally {
    await kafka.close()
  }
}
