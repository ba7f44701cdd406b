import { openCassandra, openPostgres, serverSettings, workerSettings } from '../app/adapters.ts'
import { crashPointsOf } from '../app/crash-points.ts'
import { createLogger } from '../app/logger.ts'
import { runWorkers } from '../app/worker.ts'
import type { Cassandra } from '../cassandra/client.ts'
import { systemClock } from '../core/clock.ts'
import type { CrashPoints } from '../core/crash-points.ts'
import type { Logger } from '../core/log.ts'
import { createMaterializer } from '../orders/materializer.ts'
import { createSettlement, settleOrders } from '../orders/settlement.ts'
import type { OrderEnd, SettlementSettings } from '../orders/settlement.ts'
import { createViewRoutes } from '../orders/view-routing.ts'
import type { Postgres } from '../postgres/pool.ts'
import type { Message } from '../streams/dsl/index.ts'
import type { EffectHandlers } from '../streams/runtime/effects.ts'
import type { StockUpdate } from '../../schemas/types.ts'
import { selectTopologies } from './select-topologies.ts'
import { loadSettings } from './settings.ts'
import { stopSignal } from './until-stopped.ts'

/** What `sluice run` may be told. */
export interface RunFlags {
  readonly instance: string
  /** Seconds a closed generation of a SKU's stock stays. */
  readonly keepGenerations?: number
}

/** Runs one worker of each topology named (all when none is) until the process is told to stop. */
export const runTopologies = async (names: readonly string[], flags: RunFlags): Promise<void> => {
  const instanceId = flags.instance
  const topologies = selectTopologies(names)
  const config = await loadSettings([...serverSettings, ...workerSettings])
  const log = createLogger(`worker-${instanceId}`)
  const crash = crashPointsOf({ env: process.env, log })
  const postgres = openPostgres(config, log)
  const cassandra = await openCassandra(config)
  try {
    const effects = createEffects({ postgres, cassandra, log, flags, crash })
    await runWorkers({ topologies, config, instanceId, effects, log, signal: stopSignal(), crash })
  } finally {
    await Promise.all([postgres.close(), cassandra.close()])
  }
}

interface EffectParts {
  readonly postgres: Postgres
  readonly cassandra: Cassandra
  readonly log: Logger
  readonly flags: RunFlags
  readonly crash: CrashPoints | undefined
}

/** What the topologies' effects do, by the names they have there. */
const createEffects = ({ postgres, cassandra, log, flags, crash }: EffectParts): EffectHandlers => {
  const settlement = createSettlement({ cassandra, clock: systemClock, log, crash, ...keepingOf(flags) })
  const routes = createViewRoutes(cassandra)
  const targets = async (): Promise<readonly string[]> => (await routes.read()).attached
  const materializer = createMaterializer({ cassandra, targets, crash })
  return {
    'settle-stock': messages => settlement.settleStock(valuesOf<StockUpdate>(messages)),
    'settle-orders': messages => settleOrders(valuesOf<OrderEnd>(messages), postgres, crash),
    'materialize-stock': messages => materializer.materialize(valuesOf<StockUpdate>(messages)),
  }
}

/** Looked for often enough that a generation goes soon after its time. */
const keepingOf = ({
  keepGenerations,
}: RunFlags): Pick<SettlementSettings, 'generationGraceMs' | 'pruneIntervalMs'> =>
  keepGenerations === undefined
    ? {}
    : { generationGraceMs: keepGenerations * 1_000, pruneIntervalMs: keepGenerations * 100 }

/** An effect's name fixes the type of what reaches it: topology/settlement.ts and topology/materializer.ts. */
const valuesOf = <T>(messages: readonly Message<unknown, unknown>[]): T[] =>
  messages.map(({ value }) => value as T)
