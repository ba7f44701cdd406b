import { openCassandra, openKafka, openPostgres, openRegistry, serverSettings } from '../app/adapters.ts'
import { createLogger } from '../app/logger.ts'
import type { Cassandra } from '../cassandra/client.ts'
import { AvroCodecs } from '../codec/avro-codecs.ts'
import { systemClock } from '../core/clock.ts'
import { traceOrder } from '../orders/trace/trace-order.ts'
import type { OrderTrace } from '../orders/trace/types.ts'
import { ValueDecoder } from '../streams/inspect/values/value-decoder.ts'
import { formatCount } from './format.ts'
import { createProgress } from './progress.ts'
import { loadSettings } from './settings.ts'

/** Traces an order on the servers that the settings name. */
export const traceOrderOf = async (orderId: string, timeLimitMs: number): Promise<OrderTrace> => {
  const config = await loadSettings(serverSettings)
  const postgres = openPostgres(config, createLogger('trace', 'error'))
  const kafka = openKafka(config, 'sluice-trace', undefined)
  const connections: Cassandra[] = []
  const progress = createProgress()
  try {
    return await traceOrder(orderId, {
      postgres,
      cassandra: async () => {
        const cassandra = await openCassandra(config)
        connections.push(cassandra)
        return cassandra
      },
      kafka,
      admin: kafka.admin(),
      decoder: new ValueDecoder(new AvroCodecs(openRegistry(config))),
      clock: systemClock,
      signal: AbortSignal.timeout(timeLimitMs + hangMs),
      timeLimitMs,
      onRead: records => {
        if (records >= worthTelling)
          progress.update(() => `looking through the log: ${formatCount(records)} records`)
      },
    })
  } finally {
    progress.end()
    await Promise.all([postgres.close(), kafka.close(), ...connections.map(connection => connection.close())])
  }
}

// A log that answers is read until its limit; this ends the wait for one that does not.
const hangMs = 10_000
const worthTelling = 20_000
