import { describe, expect, test } from 'vitest'
import { stockBusy, stockUnavailable } from '../../../src/orders/reservation/errors.ts'
import { takeAll } from '../../../src/orders/reservation/take-all.ts'
import type { LineTaker } from '../../../src/orders/reservation/take-all.ts'

const lines = ['C', 'A', 'B'].map(sku => ({ sku, quantity: 1 }))

/** A shelf that notes what is asked of it. */
const shelf = (stock: Record<string, number>, failing: Record<string, Error> = {}) => {
  const asked: string[] = []
  const taker: LineTaker = {
    take: async ({ sku, quantity }, again) => {
      asked.push(`${again ? 'retake' : 'take'} ${sku}`)
      await Promise.resolve()
      const failure = failing[sku]
      if (failure !== undefined) throw failure
      const available = stock[sku] ?? 0
      if (available < quantity) return { sku, requested: quantity, available }
      stock[sku] = available - quantity
      return { sku, quantity, mode: 'lwt', generation: 0 }
    },
    look: ({ sku, quantity }) => {
      asked.push(`look ${sku}`)
      const available = stock[sku] ?? 0
      return Promise.resolve(available < quantity ? { sku, requested: quantity, available } : undefined)
    },
    giveBack: ({ sku, quantity }) => {
      asked.push(`give ${sku}`)
      stock[sku] = (stock[sku] ?? 0) + quantity
      return Promise.resolve()
    },
  }
  const released: string[] = []
  const release = (skus: readonly string[]): Promise<void> => {
    released.push(...skus)
    return Promise.resolve()
  }
  return { asked, taker, released, release, stock }
}

describe('all lines or none', () => {
  test('lines come back in the order of the request', async () => {
    const { taker, release } = shelf({ A: 1, B: 1, C: 1 })
    const result = await takeAll(taker, lines, 8, release)
    expect(result.ok && result.lines.map(line => line.sku)).toEqual(['C', 'A', 'B'])
  })

  test('what is short is looked at again, and not tried twice while it is short', async () => {
    const { asked, taker, release, stock } = shelf({ A: 1, B: 0, C: 1 })
    const result = await takeAll(taker, lines, 8, release)
    expect(result).toEqual({ ok: false, outOfStock: [{ sku: 'B', requested: 1, available: 0 }] })
    expect(asked).toEqual(['take A', 'take B', 'take C', 'give A', 'give C', 'look B'])
    expect(stock).toEqual({ A: 1, B: 0, C: 1 })
  })

  test('what was short only for a moment is tried once more, in order', async () => {
    const { asked, taker, release, stock } = shelf({ A: 1, B: 0, C: 1 })
    const returning: LineTaker = {
      ...taker,
      look: line => {
        stock['B'] = 1
        return taker.look(line)
      },
    }
    expect(await takeAll(returning, lines, 8, release)).toMatchObject({ ok: true })
    expect(asked.slice(-3)).toEqual(['retake A', 'retake B', 'retake C'])
  })

  test('with an outcome unknown, that line and all taken ones are released', async () => {
    const failure = stockUnavailable('take B', 'no answer')
    const { taker, released, release } = shelf({ A: 1, B: 1, C: 1 }, { B: failure })
    await expect(takeAll(taker, lines, 8, release)).rejects.toMatchObject({
      code: failure.code,
      details: { unresolved: [] },
    })
    expect(released.toSorted()).toEqual(['A', 'B', 'C'])
  })

  test('a line that was never sent is not released', async () => {
    const failure = stockBusy('B', 10)
    const { taker, released, release } = shelf({ A: 1, B: 1, C: 1 }, { B: failure })
    await expect(takeAll(taker, lines, 8, release)).rejects.toMatchObject({
      code: failure.code,
      details: { unresolved: [] },
    })
    expect(released.toSorted()).toEqual(['A', 'C'])
  })

  test('what could not be given back is named in the error', async () => {
    const failure = stockUnavailable('take B', 'no answer')
    const { taker } = shelf({ A: 1, B: 1, C: 1 }, { B: failure })
    const error: unknown = await takeAll(taker, lines, 8, () => Promise.reject(failure)).catch(
      (thrown: unknown) => thrown,
    )
    expect(error).toMatchObject({ code: failure.code, cause: failure })
    expect(error).toHaveProperty('details.unresolved', ['B', 'A', 'C'])
  })

  test('two lines of one SKU are refused', async () => {
    const { taker, release } = shelf({ A: 9 })
    const twice = [lines[1], lines[1]].flatMap(line => line ?? [])
    await expect(takeAll(taker, twice, 8, release)).rejects.toMatchObject({
      code: 'SLUICE_STOCK_DUPLICATE_SKU',
    })
  })
})
