import { expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { silentLogger } from '../../src/core/log.ts'
import { newOrderId } from '../../src/orders/entry-id.ts'
import { runReaper } from '../../src/orders/reaper.ts'
import { memoryReservations } from './support/memory-reservations.ts'

test('a stop waits for the intent in hand, and leaves the others to a later walk', async () => {
  const { intents, reservations, pending } = memoryReservations({})
  for (let count = 0; count < 3; count += 1) await intents.record(newOrderId(), [], 0)
  const entries = {
    abandonUnlessAccepted: async () => {
      stopped = reaper.stop()
      return 'accepted' as const
    },
  }
  let stopped: Promise<void> | undefined
  const reaper = runReaper({
    intents: {
      ...intents,
      async *pending(olderThanMs) {
        // The first step of a walk comes after the reaper was handed out.
        await Promise.resolve()
        yield* intents.pending(olderThanMs)
      },
    },
    reservations,
    entries: { order: entries, adjustment: entries },
    clock: systemClock,
    log: silentLogger,
  })
  await expect.poll(() => pending.size).toBe(2)
  await stopped
  expect(pending.size).toBe(2)
})
