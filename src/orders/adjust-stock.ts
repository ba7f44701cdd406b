import type { EntryAcceptance, EntryResult } from './accept-entry.ts'
import type { Adjustment, AdjustmentRequest } from './adjustment.ts'
import { newAdjustmentId } from './entry-id.ts'
import type { EntryRepository } from './entry-repository.ts'
import { fingerprintOf } from './fingerprint.ts'

/** Adds stock (sellable once it has been settled) or takes it away (at once, or not at all). */
export type AdjustStock = (
  request: AdjustmentRequest,
  idempotencyKey?: string,
) => Promise<EntryResult<Adjustment>>

/** @example const result = await adjustStock({ sku: '85123A', quantity: 500, reason: 'restock' }) */
export const createAdjustStock =
  (acceptance: EntryAcceptance, adjustments: EntryRepository<Adjustment>): AdjustStock =>
  (request, key) => {
    const { sku, quantity, reason } = request
    return acceptance.accept({
      newId: newAdjustmentId,
      // A debit is taken in Cassandra first; a credit reaches it through the ledger.
      take: quantity < 0 ? [{ sku, quantity: -quantity }] : [],
      build: (id, createdAt, [held]) => ({
        id,
        sku,
        quantity,
        reason,
        createdAt,
        mode: held?.mode ?? 'lwt',
        generation: held?.generation ?? null,
      }),
      repository: adjustments,
      idempotency:
        key === undefined
          ? undefined
          : { key, fingerprint: fingerprintOf('POST /stock/:sku/adjustments', { sku, quantity, reason }) },
    })
  }
