import { describe, expect, test } from 'vitest'
import { demoOrders, demoSkus } from '../../src/cli/demo/orders.ts'
import { integerBetween, zipf } from '../../src/cli/demo/random.ts'
import { createRandom } from '../../src/core/random.ts'
import { addAnswer, nothingSent } from '../../src/cli/demo/send.ts'
import { orderRequestSchema } from '../../src/orders/http/schemas.ts'

describe('random numbers', () => {
  test('the same seed gives the same numbers, evenly spread', () => {
    const [first, second] = [createRandom(7), createRandom(7)]
    const numbers = Array.from({ length: 10_000 }, first)
    expect(numbers.slice(0, 5)).toEqual(Array.from({ length: 5 }, second))
    expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...numbers)).toBeLessThan(1)
    const mean = numbers.reduce((sum, number) => sum + number, 0) / numbers.length
    expect(mean).toBeCloseTo(0.5, 1)
  })

  test('both ends of a range come up', () => {
    const random = createRandom(1)
    const seen = new Set(Array.from({ length: 200 }, () => integerBetween(random, 1, 3)))
    expect([...seen].toSorted((left, right) => left - right)).toEqual([1, 2, 3])
  })

  test('the first of a Zipf choice is about twice as frequent as the second', () => {
    const random = createRandom(1)
    const pick = zipf(100)
    const counts = new Map<number, number>()
    for (let index = 0; index < 50_000; index += 1) {
      const picked = pick(random)
      counts.set(picked, (counts.get(picked) ?? 0) + 1)
    }
    expect((counts.get(0) ?? 0) / (counts.get(1) ?? 1)).toBeCloseTo(2, 0)
    expect(Math.max(...counts.keys())).toBeLessThan(100)
  })
})

describe('orders of a demonstration', () => {
  const skus = demoSkus('run', 1_000)
  const orders = [...demoOrders(skus, 1_000, createRandom(1))]

  test('the service takes those that are valid and refuses those that are not', () => {
    for (const { body, isInvalid } of orders)
      expect(orderRequestSchema.safeParse(body).success).toBe(!isInvalid)
  })

  test('some are wrong, and some ask for more than there is', () => {
    expect(orders.filter(({ isInvalid }) => isInvalid).length).toBeGreaterThan(5)
    const wanted = new Map<string, number>()
    for (const { body, isInvalid } of orders) {
      if (isInvalid) continue
      for (const { sku, quantity } of (body as { lines: { sku: string; quantity: number }[] }).lines)
        wanted.set(sku, (wanted.get(sku) ?? 0) + quantity)
    }
    expect(skus.filter(({ sku, units }) => (wanted.get(sku) ?? 0) > units).length).toBeGreaterThan(3)
  })
})

describe('answers', () => {
  test('are counted by what was sent', () => {
    const answers = [
      ['accepted', false],
      ['OutOfStock', false],
      ['InvalidRequest', true],
      ['accepted', true],
      ['InvalidRequest', false],
    ] as const
    expect(
      answers.reduce((soFar, [answer, isInvalid]) => addAnswer(soFar, answer, isInvalid), nothingSent),
    ).toEqual({
      sent: 5,
      accepted: 1,
      outOfStock: 1,
      invalid: 1,
      unexpected: { 'accepted to a wrong order': 1, InvalidRequest: 1 },
    })
  })
})
