import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { StockUpdate } from '../../../schemas/types.ts'
import { SluiceError } from '../../../src/core/errors.ts'
import { silentLogger } from '../../../src/core/log.ts'
import { createReservationsOver } from '../../../src/orders/reservation/reservations.ts'
import type { Reservations } from '../../../src/orders/reservation/types.ts'
import { createSettlementOver } from '../../../src/orders/settlement.ts'
import { modelStore, virtualClock } from '../support/model-store.ts'
import type { ModelStore, WriteFate } from '../support/model-store.ts'

// Goal: whatever the network loses or delays, each order is taken or not, as it was told, and the sum of a SKU holds.
// Method: the real code on a model of the table; fast-check chooses the fate of every write and who comes when.

const sku = 'A'

interface Told {
  readonly order: string
  readonly quantity: number
  /** The generation when it was taken; undefined when it was refused or its outcome was given up. */
  readonly generation: number | undefined
}

const update = (
  fields: Partial<StockUpdate> & Pick<StockUpdate, 'version' | 'type' | 'quantity'>,
): StockUpdate => ({
  eventId: `event ${fields.version}`,
  sku,
  orderId: null,
  onHand: 0,
  reserved: 0,
  sold: 0,
  mode: 'lwt',
  generation: null,
  settlesAfter: fields.version - 1,
  reason: null,
  at: 0,
  ...fields,
})

const placeOrder = async (service: Reservations, order: string, quantity: number): Promise<Told> => {
  try {
    const result = await service.reserve(order, [{ sku, quantity }])
    return { order, quantity, generation: result.ok ? (result.lines[0]?.generation ?? undefined) : undefined }
  } catch (error) {
    if (!(error instanceof SluiceError) || error.code !== 'SLUICE_CASSANDRA_UNAVAILABLE') throw error
    // As the reaper does, until it succeeds.
    for (;;) {
      try {
        await service.release(order, [sku])
        return { order, quantity, generation: undefined }
      } catch (failure) {
        if (!(failure instanceof SluiceError) || failure.code !== 'SLUICE_CASSANDRA_UNAVAILABLE')
          throw failure
      }
    }
  }
}

const untilAnswered = async (request: () => Promise<unknown>): Promise<void> => {
  for (;;) {
    try {
      await request()
      return
    } catch (error) {
      if (!(error instanceof SluiceError) || error.code !== 'SLUICE_CASSANDRA_UNAVAILABLE') throw error
    }
  }
}

const bookOf = (store: ModelStore) => {
  const generations = [...store.generations.values()].toSorted(
    (one, other) => one.partition.generation - other.partition.generation,
  )
  const rows = generations.flatMap(generation => [...generation.rows.values()])
  const held = rows.filter(row => row.state === 'held')
  const open = generations.filter(generation => !generation.partition.closed)
  return { rows, held, open, heldUnits: held.reduce((sum, row) => sum + row.quantity, 0) }
}

const scenario = fc.record({
  stock: fc.integer({ min: 1, max: 12 }),
  quantities: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 12 }),
  rollAtEntries: fc.integer({ min: 1, max: 6 }),
  // Short enough to give up after one loss, or long enough to see it through.
  reserveTimeoutMs: fc.constantFrom(15, 8_000),
  fates: fc.infiniteStream(
    fc.oneof(
      { weight: 6, arbitrary: fc.constant<WriteFate>('answered') },
      { weight: 1, arbitrary: fc.constantFrom<WriteFate>('reply-lost', 'request-lost', 'late') },
    ),
  ),
  sleeps: fc.infiniteStream(fc.integer({ min: 1, max: 60 })),
  deliveries: fc.infiniteStream(fc.boolean()),
  ends: fc.infiniteStream(fc.constantFrom('sale', 'release', 'refusal', 'given back', 'open')),
  turns: fc.integer({ min: 1, max: 5 }),
})

test('orders, give-backs, rolls and settlement keep the sum over every loss and delay', async () => {
  await fc.assert(
    fc.asyncProperty(
      scenario,
      async ({
        stock,
        quantities,
        rollAtEntries,
        reserveTimeoutMs,
        fates,
        sleeps,
        deliveries,
        ends,
        turns,
      }) => {
        const clock = virtualClock(() => sleeps.next().value)
        const store = modelStore(
          clock,
          () => fates.next().value,
          () => deliveries.next().value,
        )
        const settings = { clock, log: silentLogger, rollAtEntries, reserveTimeoutMs }
        const settlement = () =>
          createSettlementOver(store, {
            clock,
            log: silentLogger,
            generationGraceMs: 60_000,
            pruneIntervalMs: 0,
          })
        const initial = update({ version: 1, type: 'adjustment', quantity: stock })
        await untilAnswered(() => settlement().settleStock([initial]))

        const services = [createReservationsOver(store, settings), createReservationsOver(store, settings)]
        const told = await Promise.all(
          quantities.map((quantity, index) =>
            placeOrder(services[index % 2] as Reservations, `order ${index}`, quantity),
          ),
        )
        // Comes after whatever a process still does by itself; a roll that stopped half-way is finished by who looks.
        const comeToRest = async (marker: string): Promise<void> => {
          for (const service of services) await untilAnswered(() => service.release(marker, [sku]))
          store.deliverLate()
          await untilAnswered(() => (services[0] as Reservations).available(sku))
          store.deliverLate()
        }
        await comeToRest('nobody')
        const taken = told.filter(one => one.generation !== undefined)
        const after = bookOf(store)
        expect(after.held.map(row => row.entry).toSorted()).toEqual(taken.map(one => one.order).toSorted())
        expect(after.open).toHaveLength(1)
        expect(after.open[0]?.partition.available).toBe(stock - after.heldUnits)
        expect(after.heldUnits).toBeLessThanOrEqual(stock)

        const updates = [initial]
        let [sold, kept] = [0, 0]
        for (const { order: orderId, quantity, generation = null } of taken) {
          const end = ends.next().value
          if (end === 'given back') {
            // Service and reaper at once, while another order may roll the generation between their looks.
            const [, , other] = await Promise.all([
              untilAnswered(() => (services[0] as Reservations).release(orderId, [sku])),
              untilAnswered(() => (services[1] as Reservations).release(orderId, [sku])),
              placeOrder(services[1] as Reservations, `beside ${orderId}`, 1),
            ])
            if (other.generation !== undefined) kept += 1
          } else if (end === 'open') {
            kept += quantity
          } else {
            updates.push(update({ version: updates.length + 1, type: end, quantity, orderId, generation }))
            if (end === 'sale') sold += quantity
          }
        }
        const size = Math.ceil(updates.length / turns)
        const run = async (): Promise<void> => {
          for (let first = 0; first < updates.length; first += size) {
            await untilAnswered(() => settlement().settleStock(updates.slice(first, first + size)))
          }
        }
        await Promise.all([run(), run()])
        await comeToRest('nobody else')
        const end = bookOf(store)
        expect(end.heldUnits).toBe(kept)
        expect(end.open).toHaveLength(1)
        expect(end.open[0]?.partition).toMatchObject({
          adjusted: stock,
          sold,
          available: stock - sold - kept,
          settledVersion: updates.length,
        })
      },
    ),
    { numRuns: 1_000 },
  )
}, 60_000)
