import { openCassandra, openPostgres, serverSettings } from '../app/adapters.ts'
import { createLogger } from '../app/logger.ts'
import { runWorkers } from '../app/worker.ts'
import type { Cassandra } from '../cassandra/client.ts'
import { systemClock } from '../core/clock.ts'
import type { Logger } from '../core/log.ts'
import { createMaterializer } from '../orders/materializer.ts'
import { createSettlement, settleOrders } from '../orders/settlement.ts'
import type { OrderEnd } from '../orders/settlement.ts'
import type { Postgres } from '../postgres/pool.ts'
import type { Message } from '../streams/dsl/index.ts'
import type { EffectHandlers } from '../streams/runtime/effects.ts'
import type { StockUpdate } from '../../schemas/types.ts'
import { selectTopologies } from './select-topologies.ts'
import { loadSettings } from './settings.ts'
import { stopSignal } from './until-stopped.ts'

/** Runs one worker of each topology named (all when none is) until the process is told to stop. */
export const runTopologies = async (names: readonly string[], instanceId: string): Promise<void> => {
  const topologies = selectTopologies(names)
  const config = await loadSettings(serverSettings)
  const log = createLogger(`worker-${instanceId}`)
  const postgres = openPostgres(config, log)
  const cassandra = await openCassandra(config)
  try {
    const effects = createEffects(postgres, cassandra, log)
    await runWorkers({ topologies, config, instanceId, effects, log, signal: stopSignal() })
  } finally {
    await Promise.all([postgres.close(), cassandra.close()])
  }
}

/** What the topologies' effects do, by the names they have there. */
const createEffects = (postgres: Postgres, cassandra: Cassandra, log: Logger): EffectHandlers => {
  const settlement = createSettlement({ cassandra, clock: systemClock, log })
  const materializer = createMaterializer({ cassandra })
  return {
    'settle-stock': messages => settlement.settleStock(valuesOf<StockUpdate>(messages)),
    'settle-orders': messages => settleOrders(valuesOf<OrderEnd>(messages), postgres),
    'materialize-stock': messages => materializer.materialize(valuesOf<StockUpdate>(messages)),
  }
}

/** An effect's name fixes the type of what reaches it: topology/settlement.ts and topology/materializer.ts. */
const valuesOf = <T>(messages: readonly Message<unknown, unknown>[]): T[] =>
  messages.map(({ value }) => value as T)
