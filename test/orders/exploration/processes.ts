import type { StockUpdate } from '../../../schemas/types.ts'
import type { Clock } from '../../../src/core/clock.ts'
import { SluiceError } from '../../../src/core/errors.ts'
import { silentLogger } from '../../../src/core/log.ts'
import type { Logger } from '../../../src/core/log.ts'
import { createEntryAcceptance } from '../../../src/orders/accept-entry.ts'
import type { IdempotencyKeys } from '../../../src/orders/idempotency.ts'
import { reapOnce } from '../../../src/orders/reaper.ts'
import { createGenerations } from '../../../src/orders/reservation/generations.ts'
import { createKnownPartitions } from '../../../src/orders/reservation/known.ts'
import { patienceUntil } from '../../../src/orders/reservation/patience.ts'
import { createReservationsOver } from '../../../src/orders/reservation/reservations.ts'
import type { ReservationLine } from '../../../src/orders/reservation/types.ts'
import { settleSku } from '../../../src/orders/settlement/settle-sku.ts'
import type { Ports } from './ports.ts'

/** What a process lets others see of it. */
export interface Report {
  /** The answer to its client, once there is one. */
  told: 'nothing' | 'accepted' | 'out-of-stock' | 'failed' | 'done'
  /** While it is set, the reaper leaves its intent alone: it is too young. */
  isReserving: boolean
  /** What must never happen. */
  alarm: string | undefined
}

/** A program: the product's code, which knows of the world only what the ports tell it. */
export type Program = (ports: Ports, report: Report) => Promise<void>

export interface ReservationOptions {
  readonly rollAtEntries: number
  readonly parallelLines: number
  readonly reserveTimeoutMs: number
}

// A process's clock runs while it sleeps: how long others need meanwhile is what the exploration varies.
const ownClock = (): Clock => {
  let now = 1_000_000
  return {
    now: () => now,
    sleep: async durationMs => {
      now += durationMs
    },
  }
}

const never = (): never => {
  throw new Error('no order here has an Idempotency-Key')
}
const noKeys: IdempotencyKeys = { claim: never, takeOver: never, complete: never, drop: never, prune: never }

/** Places one order, and goes on with what is left to do after the answer. */
export const orderProgram =
  (id: string, lines: readonly ReservationLine[], options: ReservationOptions): Program =>
  async ({ store, orders, intents }, report) => {
    const clock = ownClock()
    const log = silentLogger
    const inner = createReservationsOver(store, { clock, log, ...options })
    const acceptance = createEntryAcceptance({
      postgres: { suspect: false, ping: async () => {} },
      idempotency: noKeys,
      reservations: {
        ...inner,
        reserve: (entry, wanted) =>
          inner.reserve(entry, wanted).finally(() => {
            report.isReserving = false
          }),
      },
      intents,
      clock,
      log,
    })
    report.isReserving = true
    try {
      const result = await acceptance.accept({
        newId: () => id,
        take: lines,
        build: (entry, _at, reserved) => ({ id: entry, lines: reserved }),
        repository: orders,
      })
      report.told = result.kind === 'accepted' ? 'accepted' : 'out-of-stock'
    } catch (error) {
      if (!(error instanceof SluiceError)) report.alarm = `${id} fails with ${String(error)}`
      else if (error.code === 'SLUICE_STOCK_RESERVATION_CONFLICT') report.alarm = `${id}: ${error.message}`
      report.told = 'failed'
    }
    report.isReserving = false
    await acceptance.drain()
  }

/** Looks at one intent, as a walk of the reaper does. */
export const reaperProgram =
  (entryId: string, skus: readonly string[], options: ReservationOptions): Program =>
  async ({ store, orders, intents }, report) => {
    const clock = ownClock()
    await reapOnce({
      intents: {
        ...intents,
        pending: async function* () {
          yield { entryId, skus, at: 0 }
        },
      },
      reservations: createReservationsOver(store, { clock, log: silentLogger, ...options }),
      entries: { order: orders, adjustment: orders },
      clock,
      log: silentLogger,
    })
    report.told = 'done'
  }

/** Settles a turn of one SKU's updates. */
export const settleProgram =
  (sku: string, updates: readonly StockUpdate[]): Program =>
  async ({ store }, report) => {
    const clock = ownClock()
    const log: Logger = {
      ...silentLogger,
      warn: (details, message) => {
        report.alarm = `${message}: ${JSON.stringify(details)}`
      },
    }
    const context = { store, generations: createGenerations(store), known: createKnownPartitions(10), log }
    try {
      await settleSku(context, sku, updates, patienceUntil(clock, clock.now() + 30_000, `settle ${sku}`))
      report.told = 'done'
    } catch (error) {
      report.told = 'failed'
      if (error instanceof SluiceError && error.code === 'SLUICE_CASSANDRA_UNAVAILABLE') return
      report.alarm = `settlement of ${sku} stops with ${String(error)}`
    }
  }
