import type {
  OrderGathering,
  OrderRejected,
  OrderConfirmed,
  OrderValidated,
  StockUpdate,
} from '../schemas/types.ts'

/** An order none of whose parts has come yet. */
export const nothingGathered: OrderGathering = { order: null, taken: [], refused: [], ended: false }

const ended: OrderGathering = { order: null, taken: [], refused: [], ended: true }

/** How an order ended, with what its lines need: a sale for each when confirmed, a release for those taken when rejected. */
export type OrderEnd =
  | { readonly kind: 'confirmed'; readonly order: OrderValidated; readonly confirmed: OrderConfirmed }
  | {
      readonly kind: 'rejected'
      readonly order: OrderValidated
      readonly taken: readonly string[]
      readonly rejected: OrderRejected
    }

const withPart = (gathering: OrderGathering, part: OrderValidated | StockUpdate): OrderGathering => {
  if ('lines' in part) return { ...gathering, order: part }
  const { sku } = part
  if (gathering.taken.includes(sku) || gathering.refused.includes(sku)) return gathering
  return part.type === 'reservation'
    ? { ...gathering, taken: [...gathering.taken, sku] }
    : { ...gathering, refused: [...gathering.refused, sku] }
}

const endOf = (gathering: OrderGathering, order: OrderValidated, at: number): OrderEnd => {
  if (gathering.refused.length === 0)
    return { kind: 'confirmed', order, confirmed: { ...order, confirmedAt: at } }
  const reasons = gathering.refused
    .toSorted()
    .map(sku => ({ code: 'oversold', message: `the ledger has not enough of ${sku}`, sku }))
  return {
    kind: 'rejected',
    order,
    taken: gathering.taken,
    rejected: { orderId: order.orderId, reasons, rejectedAt: at },
  }
}

/**
 * Adds a part of an order, the validated order itself or the ledger's decision on a line, in whatever sequence they come; the
 * order ends when all are there. Parts of an ended order change nothing. `at` is the part's event time.
 *
 * @example gather(nothingGathered, validated, at).end === undefined
 */
export const gather = (
  gathering: OrderGathering,
  part: OrderValidated | StockUpdate,
  at: number,
): { readonly gathering: OrderGathering; readonly end: OrderEnd | undefined } => {
  if (gathering.ended) return { gathering, end: undefined }
  const gathered = withPart(gathering, part)
  const { order } = gathered
  if (order === null || gathered.taken.length + gathered.refused.length < order.lines.length) {
    return { gathering: gathered, end: undefined }
  }
  return { gathering: ended, end: endOf(gathered, order, at) }
}
