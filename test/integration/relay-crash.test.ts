import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { RelayFixture } from './support/relay-fixture.ts'
import type { DeathPoint, RelayProcessSettings } from './support/relay-process.ts'
import { stack } from './support/stack.ts'

let outbox: RelayFixture

beforeEach(async () => {
  outbox = await RelayFixture.create(stack)
})

afterEach(async () => {
  await outbox.close()
})

const program = fileURLToPath(new URL('support/relay-process.ts', import.meta.url))

const runUntilDead = async (dieAt: DeathPoint, transaction: number): Promise<void> => {
  const settings: RelayProcessSettings = {
    options: { ...outbox.options, partitions: 1, maxRecords: 40 },
    kafka: stack.kafka,
    registry: stack.registry,
    dieAt,
    transaction,
  }
  const child = spawn(process.execPath, [program, JSON.stringify(settings)], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const [, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
  expect(signal).toBe('SIGKILL')
}

test('killed between the Kafka commit and the acknowledgement: nothing lost, nothing twice, in order', async () => {
  const ids: string[] = []
  for (let round = 0; round < 3; round += 1) {
    for (const size of [1, 100, 3]) ids.push(...(await outbox.insertMany(size)))
    await runUntilDead('committed', 2 + round)
  }
  ids.push(...(await outbox.insertMany(50)))
  outbox.start({ partitions: 1 })
  const records = await outbox.arrived(ids)
  expect(records.map(record => record.envelope.after?.id)).toEqual(ids)
})

test('killed within a Kafka transaction, and within the snapshot: nothing lost, nothing twice', async () => {
  const ids = await outbox.insertMany(120)
  await runUntilDead('sent', 3)
  await runUntilDead('committed', 3)
  ids.push(...(await outbox.insertMany(200)))
  await runUntilDead('sent', 4)
  ids.push(...(await outbox.insertMany(10)))
  const relay = outbox.start({ partitions: 1 })
  const records = await outbox.arrived(ids)
  expect(new Set(records.map(record => record.envelope.after?.id)).size).toBe(ids.length)
  expect(await outbox.streaming(relay)).toBe(true)
})
