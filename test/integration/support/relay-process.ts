// A relay in a process of its own, which kills itself at a chosen point of its n-th Kafka transaction.
import { httpSchemaRegistry } from '../../../src/codec/http-registry.ts'
import { AvroCodecs } from '../../../src/codec/avro-codecs.ts'
import type { RelayOptions } from '../../../src/cdc/options.ts'
import { runRelay } from '../../../src/cdc/relay.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { newId } from '../../../src/core/ids.ts'
import { silentLogger } from '../../../src/core/log.ts'
import { connectKafka } from '../../../src/kafka/platformatic.ts'
import type { Kafka, TransactionalProducer } from '../../../src/kafka/types.ts'

/** `sent`: records are written, not committed. `committed`: committed, Postgres not told. `never`: runs until killed. */
export type DeathPoint = 'sent' | 'committed' | 'never'

export interface RelayProcessSettings {
  readonly options: RelayOptions
  readonly kafka: string
  readonly registry: string
  readonly dieAt: DeathPoint
  /** Which Kafka transaction, from 1; the first is the claim. */
  readonly transaction: number
}

const die = (): Promise<never> => {
  process.kill(process.pid, 'SIGKILL')
  return new Promise(() => {})
}

const dying = (producer: TransactionalProducer, settings: RelayProcessSettings): TransactionalProducer => {
  let transactions = 0
  return {
    transactionalId: producer.transactionalId,
    init: () => producer.init(),
    abort: () => producer.abort(),
    close: () => producer.close(),
    sendOffsets: (group, positions) => producer.sendOffsets(group, positions),
    send: async records => {
      transactions += 1
      await producer.send(records)
      if (settings.dieAt === 'sent' && transactions === settings.transaction) await die()
    },
    commit: async () => {
      const outcome = await producer.commit()
      if (settings.dieAt === 'committed' && transactions === settings.transaction) await die()
      return outcome
    },
  }
}

if (import.meta.main) {
  const settings = JSON.parse(process.argv[2] ?? '{}') as RelayProcessSettings
  const real = connectKafka({ brokers: [settings.kafka], clientId: 'relay-process' })
  const kafka: Kafka = {
    ...real,
    transactionalProducer: (id, options) => dying(real.transactionalProducer(id, options), settings),
  }
  await runRelay(settings.options, {
    kafka,
    codecs: new AvroCodecs(httpSchemaRegistry({ baseUrl: settings.registry })),
    clock: systemClock,
    log: silentLogger,
    signal: new AbortController().signal,
    instanceId: newId(),
  })
}
