import { afterEach, beforeEach, expect, test } from 'vitest'
import { runRelay } from '../../src/cdc/relay.ts'
import { SluiceError } from '../../src/core/errors.ts'
import type { CommitOutcome, Kafka, TransactionalProducer } from '../../src/kafka/types.ts'
import { RelayFixture, until } from './support/relay-fixture.ts'
import { stack } from './support/stack.ts'

let outbox: RelayFixture

beforeEach(async () => {
  outbox = await RelayFixture.create(stack)
})

afterEach(async () => {
  await outbox.close()
})

/** What goes wrong in a transaction; the real producer and broker are underneath. */
type Fault = 'none' | 'send-fails' | 'reply-lost' | 'never-ended' | 'timed-out'

const unavailable = (): SluiceError =>
  new SluiceError({ code: 'SLUICE_KAFKA_UNAVAILABLE', message: 'no answer', reaction: 'forget-turn' })

const faulty = (kafka: Kafka, next: () => Fault): Kafka => ({
  ...kafka,
  transactionalProducer: (id, options): TransactionalProducer => {
    const real = kafka.transactionalProducer(id, options)
    let fault: Fault = 'none'
    return {
      transactionalId: id,
      init: () => real.init(),
      abort: () => real.abort(),
      close: () => real.close(),
      sendOffsets: (group, positions) => real.sendOffsets(group, positions),
      send: async records => {
        fault = next()
        await real.send(records)
        if (fault === 'send-fails') throw unavailable()
      },
      commit: async (): Promise<CommitOutcome> => {
        if (fault === 'never-ended') return 'unknown'
        // What the coordinator does with a transaction that is too old looks just like another owner.
        if (fault === 'timed-out') await kafka.admin().fenceProducer(id)
        const outcome = await real.commit()
        return fault === 'reply-lost' ? 'unknown' : outcome
      },
    }
  },
})

test('whatever becomes of a Kafka transaction, each row arrives once and in order', async () => {
  const faults: Fault[] = ['send-fails', 'reply-lost', 'never-ended', 'timed-out']
  let transactions = 0
  const kafka = faulty(outbox.kafka, () => {
    if (dependencies.status.state !== 'streaming') return 'none'
    transactions += 1
    return transactions % 3 === 0 ? (faults[(transactions / 3) % faults.length] ?? 'none') : 'none'
  })
  const stopping = new AbortController()
  const dependencies = outbox.dependencies(stopping.signal, kafka)
  const done = runRelay({ ...outbox.options, partitions: 1, maxRecords: 10 }, dependencies)
  await until('the relay streams', () => dependencies.status.state === 'streaming')
  const ids = await outbox.insertMany(70)
  for (let round = 0; round < 12; round += 1) ids.push(...(await outbox.insertMany(15)))
  const records = await outbox.arrived(ids).finally(() => stopping.abort(new Error('test over')))
  await done
  expect(records.map(record => record.envelope.after?.id)).toEqual(ids)
  expect(dependencies.status.restarts).toBeGreaterThanOrEqual(faults.length)
})

test('a stop in the middle of a transaction lets it end', async () => {
  const ids = await outbox.insertMany(3_000)
  const relay = outbox.start({ maxRecords: 200 })
  await until('it is under way', () => relay.status.eventsSent > 400)
  await relay.stop()
  expect(relay.status.state).toBe('stopped')
  outbox.start()
  expect(await outbox.arrived(ids)).toHaveLength(3_000)
})
