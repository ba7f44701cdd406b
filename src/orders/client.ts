import type { Clock } from '../core/clock.ts'
import { SluiceError, messageOf } from '../core/errors.ts'

/** One answer of the order service, whatever its status. */
export interface Reply {
  readonly status: number
  readonly body: unknown
  readonly headers: Headers
}

/** How the client reaches the service, and how long it goes on asking. */
export interface ShopClientOptions {
  /** Base URL, e.g. `http://127.0.0.1:3000`. */
  readonly apiUrl: string
  readonly clock: Clock
  /** How long one request is repeated while the service is away, busy (503) or still at it (409). Default 30 s. */
  readonly retryForMs?: number
  /** The longest pause between two tries; pauses double up to it. Default 2 s. */
  readonly longestDelayMs?: number
  /** Between 0 and 1; spreads the repeats of many requests. */
  readonly random?: () => number
}

/** What one request sends. */
export interface ShopRequest {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly body?: unknown
  /** Makes a POST safe to repeat; without it a POST whose reply is lost is not repeated. */
  readonly idempotencyKey?: string
}

const firstDelayMs = 50
const requestTimeoutMs = 60_000
/** What a later try may be answered otherwise: still at work, too many requests, a server away. */
export const statusesToRepeat: ReadonlySet<number> = new Set([409, 429, 503])

/** Sends one request to the order service, repeating it while that can help. */
export type ShopClient = (request: ShopRequest) => Promise<Reply>

/**
 * A client of the order service over HTTP. It repeats what is safe to repeat; any other status is the caller's to judge.
 * Rejects with `SLUICE_API_UNREACHABLE` when no reply came within `retryForMs`.
 *
 * @example const reply = await createShopClient({ apiUrl, clock })({ method: 'GET', path: `/orders/${id}` })
 */
export const createShopClient = (options: ShopClientOptions): ShopClient => {
  const { clock, retryForMs = 30_000, longestDelayMs = 2_000, random = () => 1 } = options
  return async request => {
    const deadline = clock.now() + retryForMs
    for (let attempt = 0; ; attempt += 1) {
      const reply = await attemptOnce(options.apiUrl, request)
      const mayRepeat = request.method === 'GET' || request.idempotencyKey !== undefined
      const isFinal = !('failure' in reply) && !statusesToRepeat.has(reply.status)
      if (isFinal || !mayRepeat || clock.now() >= deadline) {
        if ('failure' in reply) throw unreachable(options.apiUrl, request, reply.failure)
        return reply
      }
      const backOffMs = Math.min(longestDelayMs, firstDelayMs * 2 ** attempt) * (0.5 + random() / 2)
      const askedMs = 'failure' in reply ? 0 : Number(reply.headers.get('retry-after') ?? 0) * 1_000
      // Retry-After has whole seconds; the first repeats are quicker, since most waits here are shorter than that.
      await clock.sleep(attempt < 3 ? backOffMs : Math.max(backOffMs, Number.isNaN(askedMs) ? 0 : askedMs))
    }
  }
}

const attemptOnce = async (apiUrl: string, request: ShopRequest): Promise<Reply | { failure: unknown }> => {
  try {
    const response = await fetch(new URL(request.path, apiUrl), {
      method: request.method,
      headers: {
        ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(request.idempotencyKey === undefined ? {} : { 'idempotency-key': request.idempotencyKey }),
      },
      ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
      signal: AbortSignal.timeout(requestTimeoutMs),
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, body: parseBody(text) }
  } catch (failure) {
    return { failure }
  }
}

const parseBody = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

const unreachable = (apiUrl: string, request: ShopRequest, failure: unknown): SluiceError => {
  const reason = failure instanceof Error && failure.cause !== undefined ? failure.cause : failure
  return new SluiceError({
    code: 'SLUICE_API_UNREACHABLE',
    message: `no answer from the order service at ${apiUrl} to ${request.method} ${request.path}: ${messageOf(reason)}`,
    remedy: 'start it with `sluice serve`, or set SLUICE_API_URL to where it runs',
    details: { apiUrl, path: request.path },
    cause: failure,
  })
}

/** The short name of a refusal, for counting: the problem's code, else its title, else the status. */
export const problemCode = (reply: Reply): string => {
  const problem = isRecord(reply.body) ? reply.body : {}
  for (const field of ['code', 'title']) {
    if (typeof problem[field] === 'string' && problem[field] !== '') return problem[field]
  }
  return `HTTP ${reply.status}`
}

/** A refusal as an error to show: what the service said, whole. */
export const refusal = (reply: Reply, request: ShopRequest): SluiceError => {
  const problem = isRecord(reply.body) ? reply.body : {}
  const detail = typeof problem['detail'] === 'string' ? problem['detail'] : JSON.stringify(reply.body)
  return new SluiceError({
    code: 'SLUICE_API_REFUSED',
    message: `the order service answered ${reply.status} ${problemCode(reply)} to ${request.method} ${request.path}: ${detail}`,
    remedy: 'correct what the answer names and send it again',
    details: { status: reply.status, problem: reply.body },
  })
}

/** Narrows parsed JSON to an object whose fields can be looked at. */
export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
