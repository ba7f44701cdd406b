import type { Clock } from '../core/clock.ts'
import type { CassandraAnswer } from './cql/answers.ts'
import { CqlDialect } from './cql/dialect.ts'
import { PreparedStatements } from './cql/statements.ts'
import { addressOf, startFaultProxy } from './fault-proxy.ts'
import type { FaultProxy } from './fault-proxy.ts'

/** A proxy in front of a Cassandra node; `api` of a rule is the opcode's name: `EXECUTE`, `BATCH`, `QUERY`, `PREPARE`, … */
export type CassandraFaultProxy = FaultProxy<CassandraAnswer>

/**
 * Starts a proxy before one node. Conditional writes are EXECUTEs or BATCHes of prepared statements; the proxy has learnt
 * their text, so a rule finds them by `mentions`. Frames uncompressed, native protocol 3 or 4.
 *
 * Drivers reach a cluster of one node by the contact point alone; one of several names the others' addresses, and needs an
 * address translator in the driver.
 *
 * @param node `host:port`.
 * @example
 * const proxy = await startCassandraFaultProxy('127.0.0.1:9042')
 * proxy.inject({ api: 'BATCH', mentions: 'stock', fault: { kind: 'answer', error: { code: cassandraErrors.writeTimeout } } })
 */
export const startCassandraFaultProxy = (node: string, clock?: Clock): Promise<CassandraFaultProxy> => {
  const prepared = new PreparedStatements()
  return startFaultProxy({
    protocol: 'cassandra',
    targets: [addressOf(node)],
    dialect: connection => new CqlDialect(connection, prepared),
    clock,
  })
}
