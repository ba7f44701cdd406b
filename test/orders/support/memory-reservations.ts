import type {
  ReservationIntent,
  ReservationIntents,
  ReservationLine,
  Reservations,
} from '../../../src/orders/reservation/types.ts'

/** Reservations in memory, for tests of what stands above them; with what is held, to look at. */
export const memoryReservations = (stock: Readonly<Record<string, number>>) => {
  const available = new Map(Object.entries(stock))
  const held = new Map<string, readonly ReservationLine[]>()
  const closed = new Set<string>()
  const pending = new Map<string, ReservationIntent>()

  const reservations: Reservations = {
    reserve: async (id, lines) => {
      if (closed.has(id)) throw new Error(`entry ${id} was released before`)
      const outOfStock = lines
        .filter(line => (available.get(line.sku) ?? 0) < line.quantity)
        .map(line => ({ sku: line.sku, requested: line.quantity, available: available.get(line.sku) ?? 0 }))
      if (outOfStock.length > 0) return { ok: false, outOfStock }
      for (const line of lines) available.set(line.sku, (available.get(line.sku) ?? 0) - line.quantity)
      held.set(id, lines)
      return { ok: true, lines: lines.map(line => ({ ...line, mode: 'lwt' as const, generation: 0 })) }
    },
    release: async id => {
      for (const line of held.get(id) ?? []) {
        available.set(line.sku, (available.get(line.sku) ?? 0) + line.quantity)
      }
      held.delete(id)
      closed.add(id)
    },
    available: async sku => {
      const units = available.get(sku)
      return units === undefined
        ? undefined
        : { sku, available: units, version: 1, mode: 'lwt', generation: 0 }
    },
  }
  const intents: ReservationIntents = {
    record: async (entryId, skus, at) => {
      pending.set(entryId, { entryId, skus, at })
    },
    remove: async entryId => {
      pending.delete(entryId)
    },
    pending: async function* (olderThanMs) {
      for (const intent of pending.values()) if (intent.at < olderThanMs) yield intent
    },
  }
  return { reservations, intents, available, held, pending }
}
