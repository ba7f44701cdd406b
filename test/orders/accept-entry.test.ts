import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Clock } from '../../src/core/clock.ts'
import { SluiceError } from '../../src/core/errors.ts'
import { silentLogger } from '../../src/core/log.ts'
import { createEntryAcceptance } from '../../src/orders/accept-entry.ts'
import { newOrderId } from '../../src/orders/entry-id.ts'
import type { EntryRepository } from '../../src/orders/entry-repository.ts'
import { createPlaceOrder } from '../../src/orders/place-order.ts'
import type { Order } from '../../src/orders/order.ts'
import { reapOnce } from '../../src/orders/reaper.ts'
import { faulty, memoryEntries } from './support/memory-entries.ts'
import type { Fault } from './support/memory-entries.ts'
import { memoryReservations } from './support/memory-reservations.ts'

const request = { customerId: 'c', lines: [{ sku: 'A', quantity: 2, unitPriceMinor: 5 }] }

const setUp = (plan: readonly Fault[], stock = 10) => {
  let now = 1_000
  const clock: Clock = { now: () => now, sleep: async () => {} }
  const entries = memoryEntries<Order>(faulty(plan))
  const memory = memoryReservations({ A: stock })
  const acceptance = createEntryAcceptance({
    postgres: { suspect: false, ping: async () => {} },
    idempotency: entries.idempotency,
    reservations: memory.reservations,
    intents: memory.intents,
    clock,
    log: silentLogger,
  })
  const reap = async (): Promise<void> => {
    await acceptance.drain()
    now += 120_000
    const none: EntryRepository<Order> = entries.repository
    await reapOnce({ ...memory, entries: { order: none, adjustment: none }, clock, log: silentLogger })
  }
  return {
    ...entries,
    ...memory,
    acceptance,
    placeOrder: createPlaceOrder(acceptance, entries.repository),
    reap,
  }
}

describe('the protocol of an order', () => {
  test('an accepted order is written, holds its stock and leaves no intent', async () => {
    const service = setUp([])
    const result = await service.placeOrder(request)
    await service.acceptance.drain()
    expect(result).toMatchObject({ kind: 'accepted', replayed: false, entry: { totalMinor: 10 } })
    expect(service.available.get('A')).toBe(8)
    expect(service.pending.size).toBe(0)
  })

  test('too little stock leaves nothing behind, so that the key may carry another request', async () => {
    const service = setUp([], 1)
    expect(await service.placeOrder(request, 'k')).toEqual({
      kind: 'out-of-stock',
      outOfStock: [{ sku: 'A', requested: 2, available: 1 }],
    })
    await service.acceptance.drain()
    expect([service.rows.size, service.keys.size, service.pending.size]).toEqual([0, 0, 0])
    const smaller = { customerId: 'c', lines: [{ sku: 'A', quantity: 1, unitPriceMinor: 5 }] }
    expect(await service.placeOrder(smaller, 'k')).toMatchObject({ kind: 'accepted' })
  })

  test('a commit whose answer is lost is found, not made twice', async () => {
    const service = setUp(['after'])
    expect(await service.placeOrder(request)).toMatchObject({ kind: 'accepted' })
    expect(service.rows.size).toBe(1)
    expect(service.available.get('A')).toBe(8)
  })

  test('a claim whose answer is lost is found to be our own', async () => {
    const service = setUp(['after'])
    expect(await service.placeOrder(request, 'k')).toMatchObject({ kind: 'accepted', replayed: false })
    expect(service.keys.get('k')).toMatchObject({ done: true })
  })

  test('a commit that never gets through gives its stock back behind an abandoned row', async () => {
    const service = setUp(['before', 'before', 'before'])
    await expect(service.placeOrder(request)).rejects.toMatchObject({ code: 'SLUICE_POSTGRES_UNAVAILABLE' })
    expect([...service.rows.values()].map(row => row.fate)).toEqual(['abandoned'])
    expect(service.available.get('A')).toBe(10)
  })

  test('nothing is given back without an abandoned row: that is left to the reaper', async () => {
    const service = setUp(['before', 'before', 'before', 'before'])
    await expect(service.placeOrder(request)).rejects.toMatchObject({ code: 'SLUICE_POSTGRES_UNAVAILABLE' })
    expect(service.rows.size).toBe(0)
    expect(service.available.get('A')).toBe(8)
    await service.reap()
    expect(service.available.get('A')).toBe(10)
    expect(service.pending.size).toBe(0)
  })

  test('an order the reaper has given up can no longer be committed, and its stock comes back', async () => {
    const service = setUp([])
    const { reservations } = service
    const reserve = reservations.reserve.bind(reservations)
    reservations.reserve = async (id, lines) => {
      const result = await reserve(id, lines)
      await service.repository.abandonUnlessAccepted(id)
      return result
    }
    await expect(service.placeOrder(request)).rejects.toMatchObject({ code: 'SLUICE_ENTRY_ABANDONED' })
    expect(service.available.get('A')).toBe(10)
  })

  test.each([
    [[], [], []],
    [['A'], ['A'], ['abandoned']],
  ])(
    'of a failed reservation only what may be held is given back: %j',
    async (unresolved, released, fates) => {
      const service = setUp([])
      const code = 'SLUICE_CASSANDRA_UNAVAILABLE'
      service.reservations.reserve = () =>
        Promise.reject(new SluiceError({ code, message: 'no answer', details: { unresolved } }))
      const asked: string[] = []
      service.reservations.release = async (_, skus) => void asked.push(...skus)
      await expect(service.placeOrder(request, 'k')).rejects.toMatchObject({ code })
      await service.acceptance.drain()
      expect(asked).toEqual(released)
      expect([...service.rows.values()].map(row => row.fate)).toEqual(fates)
      expect(service.keys.size).toBe(0)
      expect(service.pending.size).toBe(unresolved.length)
    },
  )

  test('a retry takes over from an owner that died after its commit, and from one that died before it', async () => {
    for (const committed of [true, false]) {
      const service = setUp([])
      const former = newOrderId()
      const first = createPlaceOrder(service.acceptance, {
        ...service.repository,
        // The owner dies: its commit may have landed, and nothing happens after it.
        commit: async (order, _key) => {
          if (committed) await service.repository.commit({ ...order, id: former }, undefined)
          throw new Error('died')
        },
        abandonUnlessAccepted: async () => {
          throw new Error('died')
        },
      })
      await expect(first(request, 'k')).rejects.toThrow('died')
      const claim = service.keys.get('k')
      if (claim !== undefined && committed) claim.entryId = former
      expect(await service.placeOrder(request, 'k')).toEqual({ kind: 'key-in-progress' })
      service.expireKeys()
      const retried = await service.placeOrder(request, 'k')
      expect(retried).toMatchObject({ kind: 'accepted', replayed: committed })
      expect(service.keys.get('k')).toMatchObject({ done: true })
      expect(service.available.get('A')).toBe(8)
    }
  })

  test('whatever fails where: stock is held for accepted orders only, and a key stands for one order', async () => {
    const fault = fc.constantFrom<Fault>('none', 'none', 'before', 'after')
    await fc.assert(
      fc.asyncProperty(
        fc.array(fault, { maxLength: 40 }),
        fc.array(fc.constantFrom('k1', 'k2', undefined), { minLength: 1, maxLength: 6 }),
        fc.boolean(),
        async (plan, keys, together) => {
          const service = setUp(plan, 7)
          const answered = new Map<string, string>()
          const place = async (key: string | undefined): Promise<void> => {
            const result = await service.placeOrder(request, key).catch(() => undefined)
            if (result?.kind !== 'accepted') return
            expect(service.rows.get(result.entry.id)?.fate).toBe('accepted')
            if (key === undefined) return
            expect(answered.get(key) ?? result.entry.id).toBe(result.entry.id)
            answered.set(key, result.entry.id)
          }
          if (together) await Promise.all(keys.map(place))
          else for (const key of keys) await place(key)
          service.expireKeys()
          for (const key of keys) if (key !== undefined) await place(key)
          // The plan is at its end after 40 steps; the last walk meets no fault.
          for (let walk = 0; walk < 20; walk += 1) await service.reap()
          const accepted = [...service.rows].filter(([, row]) => row.fate === 'accepted').map(([id]) => id)
          expect([...service.held.keys()].sort()).toEqual(accepted.sort())
          expect(service.available.get('A')).toBe(7 - 2 * accepted.length)
          expect(service.pending.size).toBe(0)
        },
      ),
      { numRuns: 500 },
    )
  })
})
