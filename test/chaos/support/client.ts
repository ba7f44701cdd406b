import type { Clock } from '../../../src/core/clock.ts'
import type { Random } from '../../../src/core/random.ts'
import { isRecord, problemCode, statusesToRepeat } from '../../../src/orders/client.ts'
import type { LoadRequest } from './requests.ts'

/** How a request ended, after however many tries. */
export interface FinalAnswer {
  /** `accepted`, or the problem's code; `unknown` for a request without a key whose answer never came, or was to try again. */
  readonly outcome: string
  /** Of the order or the adjustment that was accepted. */
  readonly id: string | undefined
  /** Whether an earlier try had made it already. */
  readonly isReplayed: boolean
  /** Tries beyond the first. */
  readonly repeats: number
  /** Tries that were answered 500: the service met what it does not know. */
  readonly failures: readonly string[]
}

export interface LoadClientOptions {
  readonly apiUrl: string
  readonly clock: Clock
  readonly random: Random
  /** How many first tries are given up after a few milliseconds, as by clients that lose patience. Default 0.03. */
  readonly impatientShare?: number
}

interface Try {
  readonly outcome: string
  readonly status: number
  readonly body: unknown
  readonly isReplayed: boolean
}

const longestPauseMs = 500
const requestTimeoutMs = 30_000

const pathAndBody = ({
  kind,
  key,
  lines,
}: LoadRequest): { readonly path: string; readonly body: unknown } => {
  const [line] = lines
  return kind === 'adjustment' && line !== undefined
    ? { path: `/stock/${line.sku}/adjustments`, body: { quantity: line.quantity, reason: 'chaos' } }
    : {
        path: '/orders',
        body: { customerId: key, lines: lines.map(line => ({ ...line, unitPriceMinor: 250 })) },
      }
}

const idOf = (body: unknown): string | undefined => {
  const id = isRecord(body) ? (body['id'] ?? body['adjustmentId']) : undefined
  return typeof id === 'string' ? id : undefined
}

/**
 * Sends one request, under its own key, until it has an answer that is final: a lost answer is no failure. One without a key is
 * sent once.
 *
 * @example const answer = await sendUntilAnswered(request, { apiUrl, clock: systemClock, random })
 */
export const sendUntilAnswered = async (
  request: LoadRequest,
  { apiUrl, clock, random, impatientShare = 0.03 }: LoadClientOptions,
): Promise<FinalAnswer> => {
  const failures: string[] = []
  for (let repeats = 0; ; repeats += 1) {
    const patienceMs = repeats === 0 && random() < impatientShare ? 2 + random() * 40 : requestTimeoutMs
    const tried = await tryOnce(apiUrl, request, patienceMs)
    if (tried !== undefined && !statusesToRepeat.has(tried.status)) {
      const isFinal = tried.status < 500
      if (isFinal)
        return {
          outcome: tried.outcome,
          id: idOf(tried.body),
          isReplayed: tried.isReplayed,
          repeats,
          failures,
        }
      failures.push(`${tried.outcome} (${tried.status})`)
    }
    if (request.kind === 'keyless-order')
      return { outcome: 'unknown', id: undefined, isReplayed: false, repeats, failures }
    await clock.sleep(Math.min(longestPauseMs, 25 * 2 ** Math.min(repeats, 6)) * (0.5 + random() / 2))
  }
}

/** Resolves when the order service shows an end of the order. */
export const untilEnded = async (apiUrl: string, orderId: string, clock: Clock): Promise<void> => {
  for (;;) {
    const status = await statusOf(apiUrl, orderId)
    if (status === 'confirmed' || status === 'rejected') return
    await clock.sleep(50)
  }
}

const statusOf = async (apiUrl: string, orderId: string): Promise<unknown> => {
  try {
    const response = await fetch(new URL(`/orders/${orderId}`, apiUrl), {
      signal: AbortSignal.timeout(requestTimeoutMs),
    })
    const body: unknown = await response.json()
    return isRecord(body) ? body['status'] : undefined
  } catch {
    return undefined
  }
}

const tryOnce = async (
  apiUrl: string,
  request: LoadRequest,
  patienceMs: number,
): Promise<Try | undefined> => {
  const { path, body } = pathAndBody(request)
  try {
    const response = await fetch(new URL(path, apiUrl), {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(request.kind === 'keyless-order' ? {} : { 'idempotency-key': request.key }),
      },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(Math.round(patienceMs)),
    })
    const { status, headers } = response
    const answer: unknown = await response.json()
    return {
      outcome: response.ok ? 'accepted' : problemCode({ status, headers, body: answer }),
      status,
      body: answer,
      isReplayed: headers.get('idempotency-replayed') === 'true',
    }
  } catch {
    // Nobody knows what became of it: the next try, under the same key, will say.
    return undefined
  }
}
