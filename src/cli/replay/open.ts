import { openCassandra, openKafka, openRegistry, serverSettings, workerSettings } from '../../app/adapters.ts'
import type { ServerConfig } from '../../app/adapters.ts'
import type { Config } from '../../app/config.ts'
import type { Cassandra } from '../../cassandra/client.ts'
import type { SchemaRegistry } from '../../codec/registry.ts'
import { systemClock } from '../../core/clock.ts'
import type { Clock } from '../../core/clock.ts'
import { SluiceError } from '../../core/errors.ts'
import type { Kafka, KafkaAdmin } from '../../kafka/types.ts'
import { replayTargets } from '../../orders/replay/targets.ts'
import type { ReplayTarget } from '../../orders/replay/targets.ts'
import { createViewRoutes } from '../../orders/view-routing.ts'
import type { ViewRoutes } from '../../orders/view-routing.ts'
import { planOfId, type ReplayPlan } from '../../replay/plan.ts'
import { shadowTopology } from '../../replay/shadow-topology.ts'
import type { Topology } from '../../streams/dsl/index.ts'
import { loadSettings } from '../settings.ts'

// Nobody waits for an answer here, and making or dropping a keyspace takes a busy Cassandra long.
const requestTimeoutMs = 60_000

/** Everything that replays are made with. */
export interface ReplaySystem {
  readonly config: ServerConfig & Pick<Config, 'sessionTimeoutMs'>
  readonly kafka: Kafka
  readonly admin: KafkaAdmin
  readonly registry: SchemaRegistry
  readonly cassandra: Cassandra
  readonly routes: ViewRoutes
  readonly clock: Clock
}

/** Opens the servers that the settings name, and closes them when `work` is done. */
export const withReplaySystem = async <T>(work: (system: ReplaySystem) => Promise<T>): Promise<T> => {
  const config = await loadSettings([...serverSettings, ...workerSettings])
  const kafka = openKafka(config, 'sluice-replay')
  const admin = kafka.admin()
  try {
    const cassandra = await openCassandra(config, { requestTimeoutMs })
    try {
      const routes = createViewRoutes(cassandra)
      return await work({
        config,
        kafka,
        admin,
        registry: openRegistry(config),
        cassandra,
        routes,
        clock: systemClock,
      })
    } finally {
      await cassandra.close()
    }
  } finally {
    await admin.close()
    await kafka.close()
  }
}

/** Rejects a name that is none with `SLUICE_CLI_USAGE`. */
export const targetNamed = (name: string): ReplayTarget => {
  const target = replayTargets.get(name)
  if (target !== undefined) return target
  throw new SluiceError({
    code: 'SLUICE_CLI_USAGE',
    message: `"${name}" is nothing that can be replayed`,
    remedy: `name one of: ${[...replayTargets.keys()].join(', ')}`,
  })
}

/** A replay that was begun, with all that follows from its plan. */
export interface KnownReplay {
  readonly plan: ReplayPlan
  readonly target: ReplayTarget
  readonly shadow: Topology
}

/** Errors: SLUICE_REPLAY_UNKNOWN. */
export const replayOfId = async (
  { kafka, admin }: Pick<ReplaySystem, 'kafka' | 'admin'>,
  id: string,
): Promise<KnownReplay> => {
  const plan = await planOfId(kafka, admin, id)
  const target = targetNamed(plan.target)
  return { plan, target, shadow: shadowTopology(target, plan.id) }
}
