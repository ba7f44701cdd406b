import { readFileSync } from 'node:fs'
import { describe as group, expect, it } from 'vitest'
import { describe } from '../../src/streams/dsl/describe.ts'
import { renderMermaid, renderText } from '../../src/streams/dsl/render.ts'
import { topologies } from '../../topology/index.ts'
import { orders } from '../../topology/orders.ts'

group('the description of the order flow', () => {
  // The golden text was printed by Kafka Streams 4.1.0 for the same nodes (test/peers/Describe.java).
  it('is, character for character, what Kafka Streams prints for the same graph', () => {
    const golden = readFileSync(new URL('golden/orders.txt', import.meta.url), 'utf8')
    expect(renderText(describe(orders))).toBe(golden)
  })

  it('names each store and topic in the Mermaid chart', () => {
    const chart = renderMermaid(describe(orders))
    for (const topic of orders.topics.keys()) expect(chart).toContain(`"${topic}"`)
    for (const store of orders.stores.keys()) expect(chart).toContain(store)
  })

  it('is plain data for every topology', () => {
    for (const topology of Object.values(topologies)) {
      const description = describe(topology)
      expect(JSON.parse(JSON.stringify(description))).toEqual(description)
    }
  })
})
