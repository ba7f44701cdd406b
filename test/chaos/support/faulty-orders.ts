import { openCassandra, openPostgres } from '../../../src/app/adapters.ts'
import type { ServerConfig } from '../../../src/app/adapters.ts'
import { tuningOf } from '../../../src/cli/serve.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { silentLogger } from '../../../src/core/log.ts'
import { createEntryAcceptance } from '../../../src/orders/accept-entry.ts'
import { newOrderId } from '../../../src/orders/entry-id.ts'
import { fingerprintOf } from '../../../src/orders/fingerprint.ts'
import { createIdempotencyKeys } from '../../../src/orders/idempotency.ts'
import { orderOf } from '../../../src/orders/order.ts'
import { createOrdersRepository } from '../../../src/orders/orders-repository.ts'
import { createReservationIntents } from '../../../src/orders/reservation/intents.ts'
import { createReservations } from '../../../src/orders/reservation/reservations.ts'
import type { FinalAnswer } from './client.ts'
import type { LoadRequest } from './requests.ts'
import { serveFlags } from './settings.ts'

/** An order service of its own that accepts what the topology must reject: orders whose total is not that of their lines. */
export interface FaultyOrders {
  place(request: LoadRequest): Promise<FinalAnswer>
  close(): Promise<void>
}

/** Runs the service's own protocol, intents and keys included, in this process: it shares the stock with the others. */
export const openFaultyOrders = async (config: ServerConfig): Promise<FaultyOrders> => {
  const tuning = tuningOf(serveFlags)
  const postgres = openPostgres(config, silentLogger)
  const cassandra = await openCassandra(config)
  const repository = createOrdersRepository(postgres)
  const acceptance = createEntryAcceptance({
    postgres,
    idempotency: createIdempotencyKeys(postgres, tuning.config.keyLeaseMs ?? 30_000),
    reservations: createReservations({
      cassandra,
      clock: systemClock,
      log: silentLogger,
      ...tuning.reservations,
    }),
    intents: createReservationIntents({ cassandra }),
    clock: systemClock,
    log: silentLogger,
    reserveWithinMs: tuning.config.reserveWithinMs,
  })
  const placeOnce = async ({
    key,
    lines,
  }: LoadRequest): Promise<Omit<FinalAnswer, 'repeats'> | undefined> => {
    const merged = lines.map(({ sku, quantity }) => ({ sku, quantity, amountMinor: 250 * quantity }))
    try {
      const result = await acceptance.accept({
        newId: newOrderId,
        take: lines,
        build: (id, createdAt, reserved) => {
          const order = orderOf(id, createdAt, key, merged, reserved)
          return { ...order, totalMinor: order.totalMinor + 1 }
        },
        repository,
        idempotency: { key, fingerprint: fingerprintOf('POST /orders', { key, lines }) },
      })
      if (result.kind === 'accepted')
        return { outcome: 'accepted', id: result.entry.id, isReplayed: result.replayed, failures: [] }
      return result.kind === 'key-in-progress'
        ? undefined
        : {
            outcome: result.kind === 'out-of-stock' ? 'OutOfStock' : 'KeyReused',
            id: undefined,
            isReplayed: false,
            failures: [],
          }
    } catch {
      // As for any client: unknown until a repetition says.
      return undefined
    }
  }
  return {
    place: async request => {
      for (let repeats = 0; ; repeats += 1) {
        const answer = await placeOnce(request)
        if (answer !== undefined) return { ...answer, repeats }
        await systemClock.sleep(300)
      }
    },
    close: async () => {
      await acceptance.drain()
      await Promise.all([postgres.close(), cassandra.close()])
    },
  }
}
