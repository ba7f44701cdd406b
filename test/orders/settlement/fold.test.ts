import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { StockUpdate } from '../../../schemas/types.ts'
import type { StockPartition, StockRow } from '../../../src/orders/reservation/partition.ts'
import { foldUpdates, placeOf, unsettledOf } from '../../../src/orders/settlement/fold.ts'

const partition: StockPartition = {
  sku: 'A',
  generation: 2,
  available: 100,
  version: 7,
  mode: 'lwt',
  settledVersion: 0,
  adjusted: 100,
  sold: 0,
  entries: 0,
  closed: false,
}

const update = (
  fields: Partial<StockUpdate> & Pick<StockUpdate, 'version' | 'type' | 'quantity'>,
): StockUpdate => ({
  eventId: `event ${fields.version}`,
  sku: 'A',
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

const row = (fields: Partial<StockRow> = {}): StockRow => ({
  entry: 'order',
  kind: 'reservation',
  quantity: 3,
  state: 'held',
  settledBy: null,
  ...fields,
})

const at = (...rows: StockRow[]): Map<string, StockRow> =>
  new Map(rows.map(one => [placeOf(2, one.entry), one]))

describe('what remains to settle', () => {
  const updates = [3, 1, 2, 2].map(version => update({ version, type: 'adjustment', quantity: 1 }))

  test('comes in order, without repetitions and without what is settled', () => {
    expect(unsettledOf('A', 0, updates).map(one => one.version)).toEqual([1, 2, 3])
    expect(unsettledOf('A', 2, updates).map(one => one.version)).toEqual([3])
    expect(unsettledOf('A', 9, updates)).toEqual([])
  })

  test('a missing version is an error that names it', () => {
    expect(() => unsettledOf('A', 0, updates.slice(0, 2))).toThrow(
      /stands at ledger version 1; version 3 follows on 2/,
    )
  })

  test('passes over reservations, for which there is nothing to write', () => {
    const run = [
      update({ version: 1, type: 'adjustment', quantity: 5 }),
      update({ version: 2, type: 'reservation', quantity: 1, settlesAfter: 1 }),
      update({ version: 3, type: 'sale', quantity: 1, settlesAfter: 1 }),
    ]
    expect(unsettledOf('A', 0, run).map(one => one.version)).toEqual([1, 3])
    expect(unsettledOf('A', 1, run.slice(2)).map(one => one.version)).toEqual([3])
  })
})

describe('a fold', () => {
  const sale = update({ version: 1, type: 'sale', quantity: 3, orderId: 'order', generation: 2 })
  const release = update({ version: 1, type: 'release', quantity: 3, orderId: 'order', generation: 2 })

  test('sells what is held, and takes from what is available where nothing is', () => {
    expect(foldUpdates(partition, [sale], at(row())).to).toMatchObject({
      available: 100,
      sold: 3,
      version: 8,
    })
    const without = foldUpdates(partition, [sale], new Map())
    expect(without.to).toMatchObject({ available: 97, sold: 3 })
    expect(without.rows).toEqual([])
    expect(without.surprises).toEqual([sale])
  })

  test('releases what is held once', () => {
    const again = { ...release, version: 2 }
    const { to, rows } = foldUpdates(partition, [release, again], at(row()))
    expect(to).toMatchObject({ available: 103, settledVersion: 2 })
    expect(rows).toEqual([{ generation: 2, entry: 'order', state: 'released', settledBy: 1 }])
    expect(foldUpdates(partition, [again], at(row({ state: 'released', settledBy: 1 }))).to.available).toBe(
      100,
    )
  })

  test('counts its own earlier mark as held', () => {
    const marked = at(row({ state: 'released', settledBy: 1 }))
    expect(foldUpdates(partition, [release], marked).to.available).toBe(103)
  })

  test('a line without a reservation is released without effect and sold from what is available', () => {
    const counter = { mode: 'counter', generation: null, orderId: 'order' }
    const updates = [
      update({ version: 1, type: 'refusal', quantity: 5, ...counter }),
      update({ version: 2, type: 'sale', quantity: 4, ...counter }),
    ]
    const { to, surprises } = foldUpdates(partition, updates, new Map())
    expect(to).toMatchObject({ available: 96, sold: 4, adjusted: 100 })
    expect(surprises).toEqual([])
  })
})

const kinds = ['reservation', 'refusal', 'sale', 'release', 'adjustment'] as const

test('any run of updates keeps adjusted = available + held + sold, however it is cut', () => {
  const arbitraryRun = fc.record({
    updates: fc.array(
      fc.record({
        type: fc.constantFrom(...kinds),
        entry: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
        sign: fc.boolean(),
        generation: fc.constantFrom(null, 1, 2),
      }),
      { maxLength: 30 },
    ),
    held: fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f')),
    cut: fc.nat(30),
  })
  fc.assert(
    fc.property(arbitraryRun, ({ updates, held, cut }) => {
      const quantityOf = (entry: string): number => entry.charCodeAt(0) - 90
      const run = updates.map(({ type, entry, sign, generation }, index) =>
        update({
          version: index + 1,
          type,
          quantity: type === 'adjustment' && sign ? -quantityOf(entry) : quantityOf(entry),
          eventId: entry,
          orderId: entry,
          generation,
        }),
      )
      const rows = new Map(
        held.flatMap(entry => {
          const found = row({ entry, quantity: quantityOf(entry) })
          return [[placeOf(entry < 'd' ? 1 : 2, entry), found] as const]
        }),
      )
      const heldBefore = held.reduce((sum, entry) => sum + quantityOf(entry), 0)
      const from = { ...partition, available: 1_000 - heldBefore, adjusted: 1_000 }
      const settle = (start: StockPartition, part: StockUpdate[]): StockPartition => {
        const turn = foldUpdates(start, part, rows)
        for (const { generation, entry, state, settledBy } of turn.rows) {
          const place = placeOf(generation, entry)
          rows.set(place, { ...(rows.get(place) as StockRow), state, settledBy })
        }
        return turn.to
      }
      const whole = foldUpdates(from, run, rows)
      const parts = settle(settle(from, run.slice(0, cut)), run.slice(cut))
      expect({ ...parts, version: 0 }).toEqual({
        ...whole.to,
        version: 0,
        settledVersion: parts.settledVersion,
      })
      const heldAfter = [...rows.values()].filter(one => one.state === 'held')
      const heldUnits = heldAfter.reduce((sum, one) => sum + one.quantity, 0)
      expect(parts.available + heldUnits + parts.sold).toBe(parts.adjusted)
    }),
  )
})

test('a refused negative adjustment is given back: its row bears the adjustment', () => {
  const refusal = update({ version: 1, type: 'refusal', quantity: 3, generation: 2, eventId: 'adjustment' })
  const turn = foldUpdates(partition, [refusal], at(row({ entry: 'adjustment' })))
  expect(turn.to).toMatchObject({ available: 103, adjusted: 100, settledVersion: 1 })
  expect(turn.rows).toEqual([{ generation: 2, entry: 'adjustment', state: 'released', settledBy: 1 }])
  expect(turn.surprises).toEqual([])
})
