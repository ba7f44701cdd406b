// A worker of the book in a process of its own: to be stopped, killed, made to sleep and woken.
import type { StockUpdate } from '../../../schemas/types.ts'
import { crashPointsOf } from '../../../src/app/crash-points.ts'
import { createLogger } from '../../../src/app/logger.ts'
import { connectCassandra } from '../../../src/cassandra/client.ts'
import { stopSignal } from '../../../src/cli/until-stopped.ts'
import { AvroCodecs } from '../../../src/codec/avro-codecs.ts'
import { httpSchemaRegistry } from '../../../src/codec/http-registry.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { connectKafka } from '../../../src/kafka/platformatic.ts'
import { createMaterializer } from '../../../src/orders/materializer.ts'
import type { Message } from '../../../src/streams/dsl/index.ts'
import { StreamWorker } from '../../../src/streams/runtime/worker.ts'
import { createBook } from './book.ts'

/** Where the servers are; the keyspace must exist. */
export interface BookServers {
  readonly kafka: string
  readonly registry: string
  readonly cassandra: string
  readonly datacenter: string
  readonly keyspace: string
}

export interface BookWorkerSettings {
  readonly servers: BookServers
  readonly suffix: string
  readonly instanceId: string
  readonly sessionTimeoutMs: number
  readonly transactionTimeoutMs: number
  /** What a crash point does that the environment switches on: SIGSTOP leaves a zombie, exactly there. */
  readonly crashSignal: 'SIGKILL' | 'SIGSTOP'
}

const runWorker = async (settings: BookWorkerSettings): Promise<void> => {
  const { servers, suffix, instanceId, sessionTimeoutMs, transactionTimeoutMs, crashSignal } = settings
  const signal = stopSignal()
  const log = createLogger(`worker-${instanceId}`)
  const crash = crashPointsOf({ env: process.env, log, die: () => process.kill(process.pid, crashSignal) })
  const kafka = connectKafka({ brokers: [servers.kafka], clientId: `book-${instanceId}` }, { crash })
  const cassandra = await connectCassandra({
    contactPoints: servers.cassandra,
    datacenter: servers.datacenter,
    keyspace: servers.keyspace,
  })
  const materializer = createMaterializer({ cassandra, crash })
  const materialize = async (messages: readonly Message<unknown, unknown>[]): Promise<void> =>
    materializer.materialize((messages as readonly Message<string, StockUpdate>[]).map(({ value }) => value))
  try {
    await new StreamWorker({
      topology: createBook(suffix).flow,
      kafka,
      codecs: new AvroCodecs(httpSchemaRegistry({ baseUrl: servers.registry })),
      effects: { 'materialize-stock': materialize },
      clock: systemClock,
      log,
      instanceId,
      sessionTimeoutMs,
      transactionTimeoutMs,
      crash,
    }).run(signal)
  } finally {
    await Promise.all([kafka.close(), cassandra.close()])
  }
}

if (import.meta.main) await runWorker(JSON.parse(process.argv[2] ?? '{}') as BookWorkerSettings)
