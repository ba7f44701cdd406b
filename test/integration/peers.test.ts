import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { topicOf } from '../../src/check/evidence.ts'
import { soundWorld } from '../check/world.ts'
import { decodeTopics, preparePeer } from './support/peer.ts'
import { seed, type Seeded } from './check-seed.ts'
import { stack } from './support/stack.ts'

const peer = await preparePeer()
const reason = 'missing' in peer ? ` (skipped: ${peer.missing})` : ''
const python = 'python' in peer ? peer.python : ''

describe.skipIf(python === '')(`Confluent's Python client${reason}`, () => {
  const world = soundWorld()
  let seeded: Seeded

  beforeAll(async () => {
    world.log.aborted.movements.push(...world.log.committed.movements)
    // Parked records are those that cannot be decoded.
    seeded = await seed(stack, world, { withParked: false })
  })

  afterAll(async () => {
    await seeded.close()
  })

  test('decodes every committed record of every event topic with the registered schemas', async () => {
    const { kafka, registry, topicPrefix: prefix = '' } = seeded.targets
    const require = Object.values(topicOf).map(topic => `${prefix}${topic}`)
    const decoded = await decodeTopics(python, { kafka, registry, topics: require, require })
    expect(decoded).toMatchObject({ ok: true, failures: 0, missing: [], skipped: [] })
    const counts = Object.entries(topicOf).map(([stream, topic]) => [
      stream,
      decoded.topics[`${prefix}${topic}`]?.records,
    ])
    expect(counts).toEqual(
      Object.entries(world.log.committed).map(([stream, records]) => [stream, records.length]),
    )
    expect(decoded.topics[`${prefix}${topicOf.updates}`]?.sample?.value).toHaveProperty('eventId')
  })

  test('fails where nothing is decoded, and names what is missing', async () => {
    const { kafka, registry, topicPrefix: prefix = '' } = seeded.targets
    const none = await decodeTopics(python, {
      kafka,
      registry,
      prefix: 'no-such-topic',
      require: [`${prefix}nothing`],
    })
    expect(none).toMatchObject({ ok: false, decoded: 0, missing: [`${prefix}nothing`] })
  })
})
