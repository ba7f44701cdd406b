import { connectCassandra } from '../../../src/cassandra/client.ts'
import type { Cassandra, CassandraOptions } from '../../../src/cassandra/client.ts'
import { newId } from '../../../src/core/ids.ts'
import { migrateCassandra } from '../../../src/orders/migrations/cassandra.ts'
import { stack } from './stack.ts'

/** A keyspace of a test file's own, migrated, on the shared Cassandra. */
export interface TestKeyspace {
  readonly name: string
  readonly cassandra: Cassandra
  /** Another connection to it, e.g. through a proxy; closed together with the keyspace. */
  connect(options?: Partial<CassandraOptions>): Promise<Cassandra>
  drop(): Promise<void>
}

/** Creates it; the test drops it in `afterAll`. */
export const createTestKeyspace = async (prefix: string): Promise<TestKeyspace> => {
  const name = `${prefix}_${newId().slice(-12)}`
  const { cassandra: contactPoints, datacenter } = stack
  const admin = await connectCassandra({ contactPoints, datacenter, requestTimeoutMs: 20_000 })
  await migrateCassandra({ cassandra: admin, keyspace: name, datacenter, replicationFactor: 1 })
  const open: Cassandra[] = []
  const connect: TestKeyspace['connect'] = async (options = {}) => {
    const cassandra = await connectCassandra({ contactPoints, datacenter, keyspace: name, ...options })
    open.push(cassandra)
    return cassandra
  }
  const cassandra = await connect()
  return {
    name,
    cassandra,
    connect,
    drop: async () => {
      await Promise.all(open.map(connection => connection.close()))
      await admin.define(`DROP KEYSPACE ${name}`)
      await admin.close()
    },
  }
}
