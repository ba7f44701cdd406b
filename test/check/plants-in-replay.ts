import { checkReplay } from '../../src/check/invariants/i8-replay.ts'
import { removeWhere, the, type Plant } from './plant.ts'
import { namesOf } from './world.ts'

const names = namesOf(0)
const { lamp, mug, sold, refused } = names

/** What I8 finds: a ledger that is not what its movements make of it. */
export const plantsInReplay: readonly Plant[] = [
  {
    title: 'I8 a level in the changelog that is off by one',
    check: checkReplay,
    plant: world => (the(world.log.changelog.levels.get(lamp)).onHand += 1),
    subject: { sku: lamp },
    message: /changelog has version 4: on hand 8, .*replay gives version 4: on hand 7/,
  },
  {
    title: 'I8 a level that the changelog lost',
    check: checkReplay,
    plant: world => world.log.changelog.levels.delete(mug),
    subject: { sku: mug },
    message: /changelog has nothing/,
  },
  {
    title: 'I8 a stale row of stock_state',
    check: checkReplay,
    plant: world => world.stockStates.set(mug, { version: 2, onHand: 5, reserved: 1, sold: 0 }),
    subject: { sku: mug },
    message: /stock_state has version 2: .*replay gives version 3/,
  },
  {
    title: 'I8 state of a SKU that no movement knows',
    check: checkReplay,
    plant: world => world.log.changelog.levels.set('GHOST', { version: 1, onHand: 1, reserved: 0, sold: 0 }),
    subject: { sku: 'GHOST' },
    message: /replay gives nothing/,
  },
  {
    title: 'I8 a movement that the ledger did not apply',
    check: checkReplay,
    plant: world => removeWhere(world.log.committed.updates, update => update.eventId === names.saleMug),
    subject: { sku: mug, eventId: names.saleMug },
    message: /replay makes of it sale 1 .*there is no such stock-update/,
  },
  {
    title: 'I8 an update whose quantity is another',
    check: checkReplay,
    plant: world => (the(world.log.committed.updates[1]).quantity = 2),
    subject: { sku: lamp, eventId: names.lineLamp },
    message: /replay makes of it reservation 3 .*the stock-update is reservation 2/,
  },
  {
    title: 'I8 a reservation that should have been refused',
    check: checkReplay,
    plant: world => (the(world.log.committed.movements[2]).quantity = 11),
    subject: { sku: lamp, eventId: names.lineLamp },
    message: /replay makes of it refusal 11 /,
  },
  {
    title: 'I8 a movement applied twice',
    check: checkReplay,
    plant: world => {
      const { updates, movements } = world.log.committed
      const adjustment = the(updates.find(update => update.eventId === names.initialMug))
      movements.push({ ...the(movements.find(({ eventId }) => eventId === names.initialMug)), offset: 999 })
      updates.push({ ...adjustment, version: 4, onHand: 9, sold: 1, offset: 999 })
    },
    subject: { sku: mug, eventId: names.initialMug },
    message: /no stock-movement makes this update \(adjustment 5/,
  },
  {
    title: 'I8 an update of a movement that was parked',
    check: checkReplay,
    plant: world =>
      removeWhere(world.log.committed.movements, ({ eventId }) => eventId === names.releaseLamp),
    subject: { sku: lamp, eventId: names.saleLamp },
    message: /replay makes of it sale 3 .*version 3: .*the stock-update is release 1/,
  },
  {
    title: 'I8 an entry that the changelog lost',
    check: checkReplay,
    plant: world => the(world.log.changelog.entries.get(lamp)).delete(refused),
    subject: { sku: lamp },
    message: /the changelog has 2 entries, replay 3/,
  },
  {
    title: 'I8 an entry in another state',
    check: checkReplay,
    plant: world => (the(world.log.changelog.entries.get(mug)?.get(sold)).state = 'reserved'),
    subject: { sku: mug },
    message: /is reserved 1 in the changelog, sold 1 by replay/,
  },
]
