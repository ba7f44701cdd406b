import { SluiceError } from '../../core/errors.ts'
import type { Reply, ShopClient } from '../client.ts'
import { isRecord, problemCode, statusesToRepeat } from '../client.ts'
import type { Outcome } from './report.ts'
import type { Invoice, InvoiceRequest } from './types.ts'

/** Prefix of all keys of one file: its content, so that a renamed or repacked file is still the same import. */
export const keyPrefixOf = (contentHash: string): string => `import:${contentHash.slice(0, 16)}`

/** The key of an invoice's request; a SKU is percent-encoded, since keys are visible ASCII without spaces. */
export const invoiceKey = (
  prefix: string,
  invoice: Pick<Invoice, 'invoiceNo' | 'occurrence'>,
  sku?: string,
): string => {
  const parts = [prefix, 'invoice', encodeURIComponent(invoice.invoiceNo), String(invoice.occurrence)]
  return (sku === undefined ? parts : [...parts, encodeURIComponent(sku)]).join(':')
}

/** The key of a SKU's first stock. */
export const initialStockKey = (prefix: string, sku: string): string =>
  `${prefix}:initial:${encodeURIComponent(sku)}`

/** Sends what an invoice asks for; a return's adjustments go one after another, each under its own key. */
export const sendInvoice = async (
  shop: ShopClient,
  keyPrefix: string,
  invoice: Invoice,
  request: InvoiceRequest,
): Promise<Outcome> => {
  switch (request.kind) {
    case 'skipped':
      return { kind: 'skipped' }
    case 'order': {
      const body = { customerId: request.customerId, lines: request.lines }
      const idempotencyKey = invoiceKey(keyPrefix, invoice)
      return outcomeOf(await shop({ method: 'POST', path: '/orders', body, idempotencyKey }))
    }
    case 'return': {
      let alreadyThere = true
      let refused: Outcome | undefined
      for (const { sku, quantity } of request.units) {
        const idempotencyKey = invoiceKey(keyPrefix, invoice, sku)
        const outcome = outcomeOf(
          await postAdjustment(shop, { sku, quantity, reason: 'return', idempotencyKey }),
        )
        // The other SKUs did come back, whatever is wrong with this one.
        if (outcome.kind === 'accepted') alreadyThere &&= outcome.alreadyThere
        else refused ??= outcome
      }
      return refused ?? { kind: 'accepted', alreadyThere }
    }
  }
}

/** Adds stock to a SKU (or takes it away). */
export const postAdjustment = (
  shop: ShopClient,
  adjustment: {
    readonly sku: string
    readonly quantity: number
    readonly reason: string
    readonly idempotencyKey: string
  },
): Promise<Reply> =>
  shop({
    method: 'POST',
    path: `/stock/${encodeURIComponent(adjustment.sku)}/adjustments`,
    body: { quantity: adjustment.quantity, reason: adjustment.reason },
    idempotencyKey: adjustment.idempotencyKey,
  })

/**
 * A reply of 2xx took the request, now or under an earlier run; any other refused it. What may be answered otherwise later
 * is no refusal of the invoice: it ends the import with `SLUICE_IMPORT_UNAVAILABLE`, to be run again.
 */
export const outcomeOf = (reply: Reply): Outcome => {
  if (reply.status >= 200 && reply.status < 300) {
    return { kind: 'accepted', alreadyThere: reply.headers.get('idempotency-replayed') === 'true' }
  }
  if (statusesToRepeat.has(reply.status)) throw unavailable(reply)
  const detail = isRecord(reply.body) && typeof reply.body['detail'] === 'string' ? reply.body['detail'] : ''
  return { kind: 'rejected', code: problemCode(reply), detail }
}

const unavailable = (reply: Reply): SluiceError =>
  new SluiceError({
    code: 'SLUICE_IMPORT_UNAVAILABLE',
    message: `the order service answered ${reply.status} ${problemCode(reply)} for as long as it was asked`,
    remedy:
      'import again when its servers keep up, with a smaller --in-flight if they do not; what is there stays',
    details: { status: reply.status, problem: reply.body },
  })
