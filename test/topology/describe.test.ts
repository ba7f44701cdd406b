import { readFileSync } from 'node:fs'
import { describe as group, expect, it } from 'vitest'
import { describe } from '../../src/streams/inspect/describe.ts'
import { renderText } from '../../src/streams/inspect/render-text.ts'
import { topologies } from '../../topology/index.ts'
import { orders } from '../../topology/orders.ts'

group('the description of the order flow', () => {
  // The golden text was printed by Kafka Streams 4.1.0 for the same nodes (test/peers/Describe.java).
  it('is, character for character, what Kafka Streams prints for the same graph', () => {
    const golden = readFileSync(new URL('golden/orders.txt', import.meta.url), 'utf8')
    expect(renderText(describe(orders))).toBe(golden)
  })

  it('is plain data for every topology', () => {
    for (const topology of Object.values(topologies)) {
      const description = describe(topology)
      expect(JSON.parse(JSON.stringify(description))).toEqual(description)
    }
  })
})
