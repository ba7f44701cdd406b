import { systemClock } from '../core/clock.ts'
import { newId } from '../core/ids.ts'
import { createShopClient, refusal } from '../orders/client.ts'
import type { ShopClient, ShopClientOptions, ShopRequest } from '../orders/client.ts'
import type { LineArgument } from './arguments.ts'
import { loadSettings } from './settings.ts'

/** JSON as the order service answers; the renderers pick from it what they know. */
export type Answer = Readonly<Record<string, unknown>>

/** A client of the order service that the settings name. */
export const connectShop = async (
  tuning: Omit<ShopClientOptions, 'apiUrl' | 'clock'> = { retryForMs: 10_000 },
): Promise<ShopClient> => {
  const { apiUrl } = await loadSettings(['apiUrl'])
  return createShopClient({ ...tuning, apiUrl, clock: systemClock })
}

/** Places an order; without a key of the caller's, one of our own makes the repeats safe. */
export const placeOrder = (
  customerId: string,
  lines: readonly LineArgument[],
  key = newId(),
): Promise<Answer> =>
  ask({ method: 'POST', path: '/orders', body: { customerId, lines }, idempotencyKey: key })

export const getOrder = (orderId: string): Promise<Answer> =>
  ask({ method: 'GET', path: `/orders/${encodeURIComponent(orderId)}` })

export const getStock = (sku: string): Promise<Answer> =>
  ask({ method: 'GET', path: `/stock/${encodeURIComponent(sku)}` })

export const adjustStock = (sku: string, quantity: number, reason: string, key = newId()): Promise<Answer> =>
  ask({
    method: 'POST',
    path: `/stock/${encodeURIComponent(sku)}/adjustments`,
    body: { quantity, reason },
    idempotencyKey: key,
  })

/** The body of a 2xx answer; any other rejects with `SLUICE_API_REFUSED`. */
const ask = async (request: ShopRequest): Promise<Answer> => {
  const reply = await (await connectShop())(request)
  if (reply.status < 200 || reply.status > 299) throw refusal(reply, request)
  return reply.body as Answer
}
