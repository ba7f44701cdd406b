import { Counter, Gauge, Histogram, Registry } from 'prom-client'

/** The steps of accepting an entry that are timed. */
type Stage = 'idempotency' | 'intent' | 'reserve' | 'commit'

/** How a request for an order or an adjustment ended. */
type Outcome =
  | 'accepted'
  | 'replayed'
  | 'out-of-stock'
  | 'key-in-progress'
  | 'key-of-other-request'
  | 'unavailable'
  | 'failed'

/** What the service counts. Never labelled by customer, SKU or order: their number has no bound. */
export interface OrderMetrics {
  /** Runs `work` and records how long it took. */
  time<Result>(stage: Stage, work: () => Promise<Result>): Promise<Result>
  outcome(kind: 'order' | 'adjustment', outcome: Outcome): void
  request(route: string, method: string, status: number, durationS: number): void
  inFlight(change: 1 | -1): void
  reaped(outcome: 'accepted' | 'abandoned' | 'failed'): void
}

/** Counts nothing; for tests and tools. */
export const silentMetrics: OrderMetrics = {
  time: (_stage, work) => work(),
  outcome: () => {},
  request: () => {},
  inFlight: () => {},
  reaped: () => {},
}

const latencyBucketsS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/**
 * Counters and histograms in a registry of their own, so that several services can live in one process.
 *
 * @example const metrics = createOrderMetrics(new Registry())
 */
export const createOrderMetrics = (registry: Registry): OrderMetrics => {
  const registers = [registry]
  const outcomes = new Counter({
    name: 'sluice_entries_total',
    help: 'Requests for orders and adjustments, by how they ended.',
    labelNames: ['kind', 'outcome'] as const,
    registers,
  })
  const stages = new Histogram({
    name: 'sluice_entry_stage_duration_seconds',
    help: 'Duration of the steps of accepting an order or adjustment.',
    labelNames: ['stage'] as const,
    buckets: latencyBucketsS,
    registers,
  })
  const requests = new Histogram({
    name: 'sluice_http_request_duration_seconds',
    help: 'Duration of HTTP requests, by route pattern.',
    labelNames: ['route', 'method', 'status'] as const,
    buckets: latencyBucketsS,
    registers,
  })
  const inFlight = new Gauge({
    name: 'sluice_http_requests_in_flight',
    help: 'Orders and adjustments being worked on.',
    registers,
  })
  const reaped = new Counter({
    name: 'sluice_reaped_intents_total',
    help: 'Reservation intents the reaper has dealt with, by the fate of their entry.',
    labelNames: ['outcome'] as const,
    registers,
  })
  return {
    time: async (stage, work) => {
      const stop = stages.startTimer({ stage })
      try {
        return await work()
      } finally {
        stop()
      }
    },
    outcome: (kind, outcome) => outcomes.inc({ kind, outcome }),
    request: (route, method, status, durationS) => requests.observe({ route, method, status }, durationS),
    inFlight: change => inFlight.inc(change),
    reaped: outcome => reaped.inc({ outcome }),
  }
}
