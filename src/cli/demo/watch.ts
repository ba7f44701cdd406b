import { openKafka, openPostgres } from '../../app/adapters.ts'
import type { ServerConfig } from '../../app/adapters.ts'
import type { Clock } from '../../core/clock.ts'
import { silentLogger } from '../../core/log.ts'
import { lagOf, totalLag } from '../lag.ts'
import { selectTopologies } from '../select-topologies.ts'

/** How far the accepted orders have come, and how many records wait. */
export interface FlowState {
  /** Orders by status, of those created since the watch began. */
  readonly orders: Readonly<Record<string, number>>
  /** Records that the topologies have yet to process. */
  readonly lag: number
}

/** Looks at the flow again and again; `latest` is what was seen last. */
export interface FlowWatch {
  latest(): FlowState
  /** Looks now. */
  look(): Promise<FlowState>
  stop(): Promise<void>
}

const intervalMs = 1_000

const countOrders = {
  name: 'demo-orders-by-status-1',
  text: 'SELECT status, count(*)::int AS count FROM orders WHERE created_at >= $1 GROUP BY status',
}
const readTime = { name: 'demo-now-1', text: 'SELECT now() AS now' }

/** Watches orders in Postgres, by its own clock, and the lag of every topology. */
export const watchFlow = async (config: ServerConfig, clock: Clock): Promise<FlowWatch> => {
  const postgres = openPostgres(config, silentLogger)
  const kafka = openKafka(config, 'sluice-demo')
  const admin = kafka.admin()
  const [began] = await postgres.query<{ now: Date }>(readTime, [])
  const stopping = new AbortController()
  let latest: FlowState = { orders: {}, lag: 0 }

  const look = async (): Promise<FlowState> => {
    const rows = await postgres.query<{ status: string; count: number }>(countOrders, [began?.now])
    const lags = await Promise.all(selectTopologies([]).map(topology => lagOf(admin, topology)))
    latest = {
      orders: Object.fromEntries(rows.map(({ status, count }) => [status, count])),
      lag: totalLag(lags.flat()),
    }
    return latest
  }
  const loop = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      // A look that fails (a rebalance, a server restarting) only makes the display older.
      await look().catch(() => {})
      await clock.sleep(intervalMs, stopping.signal).catch(() => {})
    }
  }
  const done = loop()
  return {
    latest: () => latest,
    look,
    stop: async () => {
      stopping.abort(new Error('the watch is over'))
      await done
      await admin.close()
      await kafka.close()
      await postgres.close()
    },
  }
}
