import type { ServerConfig } from '../../../src/app/adapters.ts'
import {
  startCassandraFaultProxy,
  startKafkaFaultProxy,
  startPostgresFaultProxy,
} from '../../../src/testing/index.ts'
import type {
  CassandraFaultProxy,
  InjectedFault,
  KafkaFaultProxy,
  PostgresFaultProxy,
} from '../../../src/testing/index.ts'

/** The proxies between one process and its servers. */
export interface ProcessProxies {
  readonly kafka: KafkaFaultProxy
  readonly cassandra: CassandraFaultProxy
  readonly postgres: PostgresFaultProxy
  /** Every fault that has struck this process. */
  faults(): readonly InjectedFault[]
  /** Ends all rules. */
  clear(): void
  close(): Promise<void>
}

/**
 * Starts proxies of one process's own, so that what it suffers no other one does.
 *
 * @example const { proxies, config: proxied } = await openProxies(config)
 */
export const openProxies = async <C extends ServerConfig>(
  config: C,
): Promise<{ readonly proxies: ProcessProxies; readonly config: C }> => {
  const [kafka, cassandra, postgres] = await Promise.all([
    startKafkaFaultProxy(config.kafkaBrokers.join(',')),
    // A cluster of one node: drivers stay with the contact point that they were given.
    startCassandraFaultProxy(config.cassandraContactPoints[0] ?? ''),
    startPostgresFaultProxy(config.postgresUrl),
  ])
  const all = [kafka, cassandra, postgres]
  return {
    proxies: {
      kafka,
      cassandra,
      postgres,
      faults: () => all.flatMap(proxy => [...proxy.faults]),
      clear: () => all.forEach(proxy => proxy.clear()),
      close: async () => {
        await Promise.all(all.map(proxy => proxy.close()))
      },
    },
    config: {
      ...config,
      kafkaBrokers: kafka.address.split(','),
      cassandraContactPoints: [cassandra.address],
      postgresUrl: postgres.url,
    },
  }
}
