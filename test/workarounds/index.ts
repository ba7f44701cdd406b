import { cassandraWorkarounds } from './cassandra.ts'
import { kafkaWorkarounds } from './kafka.ts'
import { replicationWorkarounds } from './replication.ts'
import type { Workaround } from './types.ts'

/** All of them, library by library. */
export const workarounds: readonly Workaround[] = [
  ...kafkaWorkarounds,
  ...replicationWorkarounds,
  ...cassandraWorkarounds,
]
