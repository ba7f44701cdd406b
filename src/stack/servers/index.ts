import { cassandraServer } from './cassandra.ts'
import { kafkaServer } from './kafka.ts'
import { postgresServer } from './postgres.ts'
import { registryServer } from './registry.ts'
import type { StackServer } from './server.ts'

/** All servers of a stack; they start side by side, in no order. */
export const stackServers: readonly StackServer[] = [
  postgresServer,
  kafkaServer,
  cassandraServer,
  registryServer,
]
