import { forEachInFlight } from '../../orders/import/in-flight.ts'
import { problemCode } from '../../orders/client.ts'
import type { ShopClient } from '../../orders/client.ts'
import type { DemoOrder } from './orders.ts'

/** What the order service said to the orders sent so far. */
export interface SentOrders {
  readonly sent: number
  readonly accepted: number
  readonly outOfStock: number
  /** Refused as wrong input, and wrong they were. */
  readonly invalid: number
  /** Any other answer, by name: there should be none. */
  readonly unexpected: Readonly<Record<string, number>>
}

export const nothingSent: SentOrders = { sent: 0, accepted: 0, outOfStock: 0, invalid: 0, unexpected: {} }

/** Sends the orders, `inFlight` at once, and tells after each how things stand. */
export const sendOrders = async (
  shop: ShopClient,
  orders: Iterable<DemoOrder>,
  options: {
    readonly inFlight: number
    /** Makes the idempotency keys of this run its own. */
    readonly run: string
    readonly signal: AbortSignal
    readonly onAnswer: (soFar: SentOrders) => void
  },
): Promise<SentOrders> => {
  let soFar = nothingSent
  let index = 0
  await forEachInFlight(orders, options.inFlight, async ({ body, isInvalid }) => {
    options.signal.throwIfAborted()
    index += 1
    const idempotencyKey = `demo:${options.run}:${index}`
    const reply = await shop({ method: 'POST', path: '/orders', body, idempotencyKey })
    soFar = addAnswer(soFar, reply.status === 201 ? 'accepted' : problemCode(reply), isInvalid)
    options.onAnswer(soFar)
  })
  return soFar
}

/** Adds one answer; an answer that does not fit the order counts as unexpected. */
export const addAnswer = (soFar: SentOrders, answer: string, isInvalid: boolean): SentOrders => {
  const sent = soFar.sent + 1
  if (answer === 'accepted' && !isInvalid) return { ...soFar, sent, accepted: soFar.accepted + 1 }
  if (answer === 'OutOfStock' && !isInvalid) return { ...soFar, sent, outOfStock: soFar.outOfStock + 1 }
  if (answer === 'InvalidRequest' && isInvalid) return { ...soFar, sent, invalid: soFar.invalid + 1 }
  const name = isInvalid ? `${answer} to a wrong order` : answer
  return { ...soFar, sent, unexpected: { ...soFar.unexpected, [name]: (soFar.unexpected[name] ?? 0) + 1 } }
}
