import { exactModes, topicOf } from '../evidence.ts'
import { Findings } from '../findings.ts'
import { addTo } from './grouping.ts'
import type { Invariant } from './types.ts'

/** I2: in exact modes nothing was ever promised that was not there, in any version of any SKU. */
export const checkNoOversell: Invariant = evidence => {
  const findings = new Findings('I2', 'no oversell in exact modes, in any version')
  for (const update of evidence.log.committed.updates) {
    if (!exactModes.has(update.mode)) continue
    const { sku, version, type, onHand, reserved, sold, eventId, partition, offset } = update
    const numbersHold = onHand >= 0 && reserved >= 0 && sold >= 0 && onHand - reserved >= 0
    findings.expect(
      numbersHold && type !== 'refusal',
      {
        sku,
        eventId,
        topic: topicOf.updates,
        partition,
        offset,
        ...(update.orderId !== null && { orderId: update.orderId }),
      },
      () =>
        type === 'refusal'
          ? `version ${version} refused ${update.quantity} that mode ${update.mode} had reserved`
          : `version ${version} has on hand ${onHand}, reserved ${reserved}, sold ${sold}`,
    )
  }
  for (const [sku, generations] of evidence.stock) {
    for (const { generation, available, mode } of generations) {
      if (!exactModes.has(mode)) continue
      findings.expect(
        available >= 0,
        { sku },
        () => `stock generation ${generation} has available ${available}`,
      )
    }
  }
  const promised = new Map<string, number>()
  for (const { status, lines } of evidence.orders.values()) {
    if (status !== 'created' && status !== 'confirmed') continue
    for (const { sku, quantity } of lines) addTo(promised, sku, quantity)
  }
  const adjusted = new Map<string, number>()
  for (const { sku, quantity } of evidence.adjustments.values()) addTo(adjusted, sku, quantity)
  for (const [sku, quantity] of promised) {
    const mode = evidence.stock.get(sku)?.at(-1)?.mode
    if (mode === undefined || !exactModes.has(mode)) continue
    const stock = adjusted.get(sku) ?? 0
    findings.expect(quantity <= stock, { sku }, () => `accepted orders take ${quantity} of ${stock}`)
  }
  return findings.result()
}
