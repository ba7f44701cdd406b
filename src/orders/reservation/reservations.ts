import type { Cassandra } from '../../cassandra/client.ts'
import type { Clock } from '../../core/clock.ts'
import type { CrashPoints } from '../../core/crash-points.ts'
import { messageOf } from '../../core/errors.ts'
import { mapLimited } from '../../core/limited.ts'
import type { Logger } from '../../core/log.ts'
import { waitedInVain } from './errors.ts'
import { createGenerations } from './generations.ts'
import { giveBackLine } from './give-back.ts'
import { createKnownPartitions } from './known.ts'
import { createLanes } from './lanes.ts'
import { takeLine } from './lwt.ts'
import type { StockPartition } from './partition.ts'
import type { Patience } from './patience.ts'
import { patienceUntil } from './patience.ts'
import { createStockStore } from './store.ts'
import type { StockStore } from './store.ts'
import { takeAll } from './take-all.ts'
import type { LineTaker } from './take-all.ts'
import type { Reservations } from './types.ts'

/** How this process reserves. */
export interface ReservationSettings {
  readonly clock: Clock
  readonly log: Logger
  /** Rows after which a generation is closed; a longer one only reads slower. Default 50,000. */
  readonly rollAtEntries?: number
  /** Requests of this process that may wait for one SKU. Default 1,000. */
  readonly longestQueue?: number
  /** Lines of one order that are taken at the same time. Default 48. */
  readonly parallelLines?: number
  /** How long one reservation may take, waiting included. Default 8,000. */
  readonly reserveTimeoutMs?: number
  /** How long a give-back may take. Default 8,000. */
  readonly releaseTimeoutMs?: number
  /** SKUs whose statics are remembered. Default 100,000. */
  readonly mostKnownSkus?: number
  readonly crash?: CrashPoints | undefined
}

/** Settings, and the connection to the keyspace that holds the stock. */
export interface ReservationOptions extends ReservationSettings {
  readonly cassandra: Cassandra
}

/** Reservations over a store, for one process; several processes may share it. */
export const createReservationsOver = (store: StockStore, options: ReservationSettings): Reservations => {
  const { clock, log, crash } = options
  const rollAtEntries = options.rollAtEntries ?? 50_000
  const parallelLines = options.parallelLines ?? 48
  const generations = createGenerations(store, crash)
  const known = createKnownPartitions(options.mostKnownSkus ?? 100_000)
  const lanes = createLanes(options.longestQueue ?? 1_000)
  const context = { store, generations, known }

  const releaseTimeoutMs = options.releaseTimeoutMs ?? 8_000
  const releaseTime = (entry: string, timeoutMs: number): Patience =>
    patienceUntil(clock, clock.now() + timeoutMs, `give back stock of ${entry}`)

  const rollLater = (partition: StockPartition): void => {
    const { sku, generation } = partition
    const roll = async (): Promise<void> => {
      const now = known.get(sku)
      // Whoever waited in the queue behind the request that filled it may have rolled it by now.
      if (now?.generation !== generation || now.entries < rollAtEntries) return
      known.forget(sku)
      await generations.roll(now)
    }
    lanes.runAlways(sku, roll).catch((error: unknown) => {
      log.warn(
        { sku, generation, error: messageOf(error) },
        'a generation could not be rolled; the next order tries again',
      )
    })
  }

  const taker = (entry: string): LineTaker => {
    const patience = patienceUntil(
      clock,
      clock.now() + (options.reserveTimeoutMs ?? 8_000),
      `reserve stock for ${entry}`,
    )
    return {
      take: async ({ sku, quantity }, again) => {
        const tick = known.tick()
        const result = await lanes.run(sku, async () => {
          if (!patience.left()) throw waitedInVain(sku)
          return takeLine(context, { sku, entry, quantity, again }, tick, patience)
        })
        if (!result.taken) return { sku, requested: quantity, available: result.available }
        const { partition } = result
        if (partition.entries >= rollAtEntries) rollLater(partition)
        crash?.('reservation.after-line')
        return { sku, quantity, mode: partition.mode, generation: partition.generation }
      },
      look: async ({ sku, quantity }) => {
        const { partition } = await generations.current(sku, [], 'quorum', known.get(sku)?.generation)
        const available = Math.max(0, partition?.available ?? 0)
        return available < quantity ? { sku, requested: quantity, available } : undefined
      },
      giveBack: async ({ sku, quantity, generation }) => {
        const row = { entry, kind: 'reservation', quantity, state: 'held', settledBy: null } as const
        crash?.('reservation.before-give-back')
        const hint = generation === null ? undefined : { generation, row }
        await lanes.runAlways(sku, () =>
          giveBackLine(context, sku, entry, releaseTime(entry, releaseTimeoutMs), hint),
        )
        crash?.('reservation.after-give-back')
      },
    }
  }

  const release = async (entry: string, skus: readonly string[], timeoutMs: number): Promise<void> => {
    const patience = releaseTime(entry, timeoutMs)
    const failures: unknown[] = []
    await mapLimited(skus, parallelLines, async sku => {
      try {
        await lanes.runAlways(sku, async () => {
          if (!patience.left()) throw waitedInVain(sku)
          await giveBackLine(context, sku, entry, patience)
        })
      } catch (error) {
        failures.push(error)
      }
    })
    if (failures.length > 0) throw failures[0]
  }

  return {
    reserve: (entry, lines) =>
      // The caller has waited already: what cannot be given back soon is left to the reaper.
      takeAll(taker(entry), lines, parallelLines, skus =>
        release(entry, skus, Math.min(releaseTimeoutMs, 2_000)),
      ),
    release: (entry, skus) => release(entry, skus, releaseTimeoutMs),
    async available(sku) {
      const { partition } = await generations.current(sku, [], 'serial', known.get(sku)?.generation)
      if (partition === undefined) return undefined
      const { available, version, mode, generation } = partition
      return { sku, available, version, mode, generation }
    },
  }
}

/**
 * Reservations in Cassandra.
 *
 * @example const reservations = createReservations({ cassandra, clock: systemClock, log })
 */
export const createReservations = (options: ReservationOptions): Reservations =>
  createReservationsOver(createStockStore(options.cassandra, options.clock), options)
